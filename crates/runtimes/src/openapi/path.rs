//! Paths with places for parameters: `/users/{id}/posts`.

/// A piece of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it stands, encoded where it must be.
    Text(String),
    /// The value of the parameter of that name.
    Place(String),
}

/// The pieces of a path. Fails where a place is not closed.
pub(super) fn pieces(path: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err("its path has a `{` without its `}`".to_owned());
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        pieces.push(Piece::Place(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// The names of its places.
pub(super) fn places(pieces: &[Piece]) -> impl Iterator<Item = &str> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Place(name) => Some(name.as_str()),
        Piece::Text(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_falls_into_pieces() {
        let found = pieces("/a/{b}.{c}/d").unwrap();
        assert_eq!(places(&found).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(found.len(), 5);
        assert!(pieces("/a/{b").is_err());
    }
}
