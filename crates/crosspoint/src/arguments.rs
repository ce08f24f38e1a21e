//! Arguments of a call as the command line gives them: a file, then `name=value`.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use crosspoint_core::{Arguments, Json};

/// The parameters of a file (`-`: standard input), and those of `name=text` and `name:=JSON`, which
/// win.
pub fn gather(file: Option<&Path>, pairs: &[String]) -> Result<Arguments> {
    let mut arguments = match file {
        Some(path) => read(path)?,
        None => Arguments::default(),
    };
    for pair in pairs {
        let (name, value) = split(pair)?;
        arguments.insert(name, value);
    }
    Ok(arguments)
}

fn read(path: &Path) -> Result<Arguments> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .read_to_end(&mut text)
            .context("reading standard input")?;
    } else {
        text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    }
    Arguments::parse(text.into()).with_context(|| format!("reading {} as JSON", path.display()))
}

/// `name=text` or `name:=JSON`. A mistake never quotes the value: it may be a secret.
fn split(argument: &str) -> Result<(&str, Json)> {
    let Some((name, value)) = argument.split_once('=') else {
        bail!("'{}' is not name=value", crosspoint_core::shorten(argument));
    };
    match name.strip_suffix(':') {
        None => Ok((name, Json::string(value))),
        Some(name) => {
            let json = Json::parse(value.to_owned());
            Ok((
                name,
                json.with_context(|| format!("reading the value of {name} as JSON"))?,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_and_colon_equals_is_json() {
        let (name, value) = split("url=https://h/?a=b").unwrap();
        assert_eq!(
            (name, value.as_bytes()),
            ("url", br#""https://h/?a=b""#.as_slice())
        );
        let (name, value) = split(r#"data:={"a": 1}"#).unwrap();
        assert_eq!(
            (name, value.as_bytes()),
            ("data", br#"{"a": 1}"#.as_slice())
        );
    }

    #[test]
    fn a_mistake_does_not_quote_the_value() {
        let error = format!("{:#}", split("token:=hunter2").unwrap_err());
        assert!(
            error.contains("token") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
