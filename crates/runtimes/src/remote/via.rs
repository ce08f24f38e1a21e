//! The proxies that a call has come through, so that mounts which lead in a circle end.

use crosspoint_core::{Failure, Refusal, VIA};
use http::{HeaderMap, HeaderValue};

/// So many proxies a call may come through. No honest chain is as long.
const MOST: usize = 8;

/// The header for the next proxy, or the refusal of a call that has been here.
pub(super) fn next(headers: &HeaderMap, instance: &str) -> Result<Option<HeaderValue>, Failure> {
    let mut via = names(headers);
    let again = !instance.is_empty() && via.iter().any(|name| name == instance);
    if again || via.len() >= MOST {
        let message = match again {
            true => "the call has come back to this proxy: mounts of proxies lead in a circle",
            false => "the call has come through too many proxies: their mounts lead in a circle",
        };
        return Err(Failure::refused(Refusal::Loop, message));
    }
    via.push(instance.to_owned());
    via.retain(|name| !name.is_empty());
    Ok(HeaderValue::from_str(&via.join(", "))
        .ok()
        .filter(|value| !value.is_empty()))
}

/// The names in a header.
pub(super) fn names(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(VIA).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let names = texts.flat_map(|text| text.split(','));
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).take(2 * MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(via: &[&str], instance: &str) -> Result<String, Failure> {
        let mut headers = HeaderMap::new();
        for names in via {
            headers.append(VIA, names.parse().unwrap());
        }
        let next = next(&headers, instance)?.expect("there is a name");
        Ok(next.to_str().unwrap().to_owned())
    }

    #[test]
    fn each_proxy_adds_its_name() {
        assert_eq!(through(&[], "a").unwrap(), "a");
        assert_eq!(through(&["x, y", "z"], "a").unwrap(), "x, y, z, a");
    }

    #[test]
    fn a_call_that_comes_back_or_from_too_far_is_refused() {
        for (via, instance) in [("b, a", "a"), ("1,2,3,4,5,6,7,8", "a")] {
            let failure = through(&[via], instance).unwrap_err();
            assert_eq!(failure.code, "loop_detected");
        }
    }
}
