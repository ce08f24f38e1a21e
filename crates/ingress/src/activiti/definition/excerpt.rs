//! Excerpts of definitions, as documentation shows them: they begin with a key, have lines of three dots
//! for what is left out, and do not always close what they open.

/// A text as a whole: without such lines and the commas that are then too many, in braces where it begins
/// with a key, closed where it ends too early. None: it is as it is.
pub(super) fn whole(text: &str) -> Option<String> {
    let text = text.trim();
    let part = text.starts_with('"');
    let left_out = text.lines().any(is_left_out);
    if !part && !left_out {
        return None;
    }
    let lines: Vec<_> = text.lines().filter(|line| !is_left_out(line)).collect();
    let text = lines.join("\n");
    Some(closed(match part {
        true => format!("{{{text}"),
        false => text,
    }))
}

/// Whether there are lines of three dots.
pub(super) fn has_left_out(text: &str) -> bool {
    text.lines().any(is_left_out)
}

fn is_left_out(line: &str) -> bool {
    matches!(line.trim().trim_end_matches(','), "..." | "…")
}

/// Without a comma before a closing bracket or the end, and with the brackets that are missing at the end.
fn closed(text: String) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    for sign in text.chars() {
        match sign {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                without_comma(&mut out);
                // Another one is a mistake that stays.
                if open.last() == Some(&sign) {
                    open.pop();
                }
            }
            _ => {}
        }
        out.push(sign);
    }
    without_comma(&mut out);
    out.extend(open.into_iter().rev());
    out
}

fn without_comma(out: &mut String) {
    let kept = out.trim_end();
    if let Some(kept) = kept.strip_suffix(',') {
        out.truncate(kept.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_and_not_closed_is_made_whole() {
        for (text, expected) in [
            ("\"a\": {\"b\": [1,\n...\n]", "{\"a\": {\"b\": [1]}}"),
            ("  \"a\": [\n  {},\n  ...\n ],", "{\"a\": [\n  {}]}"),
            ("{\"a\": [1],\n…\n}", "{\"a\": [1]}"),
            ("\"a\": \",]\\\"...\",", "{\"a\": \",]\\\"...\"}"),
        ] {
            assert_eq!(whole(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["{\"a\": [1,", "oops", "", "[\"...\"]"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
