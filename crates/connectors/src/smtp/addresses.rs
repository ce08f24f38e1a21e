//! Reads what people write as recipients.

use lettre::Address;
use lettre::message::Mailbox;

/// The mailboxes in a text, separated by commas or semicolons; empty places are passed over. The
/// error is the number of the first one that is none, counted from 1.
pub(super) fn list(text: &str) -> Result<Vec<Mailbox>, usize> {
    split(text)
        .into_iter()
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .enumerate()
        .map(|(at, piece)| mailbox(piece).ok_or(at + 1))
        .collect()
}

/// Cuts at commas and semicolons outside of quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            ',' | ';' => return !quoted,
            _ => {}
        }
        false
    })
    .collect()
}

/// `name@host`, or any text and `<name@host>`.
fn mailbox(piece: &str) -> Option<Mailbox> {
    let bracketed = piece.strip_suffix('>').and_then(|p| p.rsplit_once('<'));
    let (name, address) = match bracketed {
        Some((name, address)) => (unquoted(name.trim()), address.trim()),
        None => (String::new(), piece),
    };
    let (user, domain) = address.rsplit_once('@')?;
    // In this form any server takes it; the part before the @ has no such form.
    let domain = match domain.is_ascii() {
        true => domain.to_owned(),
        false => url::Host::parse(domain).ok()?.to_string(),
    };
    let address = Address::new(user, domain).ok()?;
    Some(Mailbox::new((!name.is_empty()).then_some(name), address))
}

/// The text without the quotes around it, if there are some.
fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
    let Some(inner) = inner else {
        return name.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let one = |m: Mailbox| (m.name.unwrap_or_default(), m.email.to_string());
        list(text).unwrap().into_iter().map(one).collect()
    }

    #[test]
    fn commas_and_semicolons_separate_but_not_in_quotes() {
        let text = r#" a@x.example; "Doe, \"Jane\"; Dr." <jane@x.example>,, Zoë <zoe@y>;"#;
        let expected = [
            ("", "a@x.example"),
            ("Doe, \"Jane\"; Dr.", "jane@x.example"),
            ("Zoë", "zoe@y"),
        ];
        let expected = expected.map(|(name, address)| (name.to_owned(), address.to_owned()));
        assert_eq!(read(text), expected);
    }

    #[test]
    fn unusual_names_and_addresses_are_taken() {
        for (text, name, address) in [
            ("<a@x>", "", "a@x"),
            (
                "J. R. O'Neil (Sales) @ X <a+b@x>",
                "J. R. O'Neil (Sales) @ X",
                "a+b@x",
            ),
            ("\"a b\"@x.example", "", "\"a b\"@x.example"),
            ("a@[192.0.2.1]", "", "a@[192.0.2.1]"),
            ("zoë@x.example", "", "zoë@x.example"),
            ("a@bücher.example", "", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(read(text), [(name.to_owned(), address.to_owned())]);
        }
    }

    #[test]
    fn what_is_no_address_is_numbered() {
        for text in [
            "a@x, nobody",
            "a@x, b@",
            "a@x, @x",
            "a@x, a b@x",
            "a@x, b@x SIZE=1",
            "a@x, b@x> SIZE=1 <",
            "a@x, Zoë <b@x",
            "a@x, Zoë b@x>",
            "a@x, \"Zoë <b@x>, c@x",
            "a@x, b@..x",
        ] {
            assert_eq!(list(text), Err(2), "{text}");
        }
    }
}
