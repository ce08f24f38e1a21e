//! The two notations of connection strings, read into options and values.

use percent_encoding::percent_decode_str;

use super::dsn::DsnError;

/// Options and values in the order they were written.
#[derive(Default)]
pub(super) struct Pairs(Vec<(usize, String, String)>);

/// Reads either notation.
pub(super) fn parse(text: &str) -> Result<Pairs, DsnError> {
    if text.contains('\0') {
        return Err(DsnError::malformed("it has a NUL character in it"));
    }
    match ["postgres://", "postgresql://"]
        .iter()
        .find_map(|p| text.strip_prefix(p))
    {
        Some(rest) => url(rest),
        None => keywords(text),
    }
}

// === impl Pairs ===

impl Pairs {
    fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let number = self.0.len() + 1;
        self.0.push((number, name.into(), value.into()));
    }

    /// Takes an option out. Of several the last one counts.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let mut found = None;
        self.0.retain_mut(|(_, own, value)| {
            let this = own == name;
            if this {
                found = Some(std::mem::take(value));
            }
            !this
        });
        found
    }

    /// The options that nobody took, each with its place in the string.
    pub(super) fn rest(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0
            .iter()
            .map(|(number, name, _)| (*number, name.as_str()))
    }
}

/// `name = value …`, where a value may stand in single quotes and a backslash takes the next
/// character as it is.
fn keywords(text: &str) -> Result<Pairs, DsnError> {
    let mut pairs = Pairs::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(after) = after
            .trim_start()
            .strip_prefix('=')
            .filter(|_| !name.is_empty())
        else {
            let number = pairs.0.len() + 1;
            return Err(DsnError::malformed(format!(
                "its option number {number} has no \"=\""
            )));
        };
        let (value, after) = value(after.trim_start())?;
        pairs.add(name, value);
        rest = after.trim_start();
    }
    Ok(pairs)
}

fn value(text: &str) -> Result<(String, &str), DsnError> {
    let (quoted, text) = match text.strip_prefix('\'') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && c.is_whitespace() => return Ok((value, &text[at..])),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    match quoted {
        true => Err(DsnError::malformed("a quote is left open")),
        false => Ok((value, "")),
    }
}

/// `user:password@host:port,host:port/database?name=value&…`
fn url(text: &str) -> Result<Pairs, DsnError> {
    let mut pairs = Pairs::default();
    // As libpq does it: what stands before the first "@" that no "/" precedes is user and password.
    let authority = text.find('/').map_or(text, |end| &text[..end]);
    let rest = match authority.split_once('@') {
        Some((user, _)) => {
            let rest = &text[user.len() + 1..];
            let (user, password) = match user.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (user, None),
            };
            pairs.add("user", decode(user)?);
            if let Some(password) = password {
                pairs.add("password", decode(password)?);
            }
            rest
        }
        None => text,
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    add_hosts(&mut pairs, hosts)?;
    if !path.is_empty() {
        pairs.add("dbname", decode(path)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(DsnError::malformed("a parameter of its query has no \"=\""));
        };
        match (name, value) {
            ("ssl", "true") => pairs.add("sslmode", "require"),
            _ => pairs.add(decode(name)?, decode(value)?),
        }
    }
    Ok(pairs)
}

fn add_hosts(pairs: &mut Pairs, text: &str) -> Result<(), DsnError> {
    if text.is_empty() {
        return Ok(());
    }
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in text.split(',') {
        let (name, port) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((name, after))) => match (after, after.strip_prefix(':')) {
                ("", _) => (name, ""),
                (_, Some(port)) => (name, port),
                _ => return Err(DsnError::malformed("something follows a \"]\"")),
            },
            Some(None) => return Err(DsnError::malformed("a \"]\" is missing")),
            None => host.split_once(':').unwrap_or((host, "")),
        };
        names.push(decode(name)?);
        ports.push(decode(port)?);
    }
    pairs.add("host", names.join(","));
    if ports.iter().any(|port| !port.is_empty()) {
        pairs.add("port", ports.join(","));
    }
    Ok(())
}

fn decode(text: &str) -> Result<String, DsnError> {
    let malformed = || DsnError::malformed("a \"%\" does not begin a character in UTF-8");
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| malformed())?;
    match text.contains('\0') {
        true => Err(DsnError::malformed("it has a NUL character in it")),
        false => Ok(text.into_owned()),
    }
}
