//! Numbers of bytes, written with a unit.

use std::fmt;
use std::str::FromStr;

use super::format::{as_text, wrong};
use super::problem::Wrong;

/// A number of bytes from 1 KiB to 1 GiB: what it limits is held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// A number of bytes from 1 MiB to 1 TiB: what it limits is held by another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(pub u64);

as_text!(Size, "size", ["string", "integer"]);
as_text!(Memory, "memory", ["string", "integer"]);

// === impl Size ===

impl Size {
    /// That many times 1024 * 1024 bytes.
    pub const fn mebibytes(count: u64) -> Size {
        Size(count << 20)
    }
}

impl FromStr for Size {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Size, Wrong> {
        match bytes(text, "size")? {
            ..1024 => Err(wrong(text, "is less than `1KiB`", "size")),
            bytes if bytes > 1 << 30 => Err(wrong(text, "is more than `1GiB`", "size")),
            bytes => Ok(Size(bytes)),
        }
    }
}

/// In the largest unit that needs no fraction, so that nothing is lost.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bytes(self.0, f)
    }
}

fn bytes(text: &str, format: &str) -> Result<u64, Wrong> {
    let not_one = |_| wrong(text, "is not a size", format);
    let size: bytesize::ByteSize = text.trim().parse().map_err(not_one)?;
    Ok(size.as_u64())
}

fn write_bytes(bytes: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units
        .into_iter()
        .find(|(bits, _)| bytes.trailing_zeros() >= *bits)
    {
        Some((bits, unit)) => write!(f, "{}{unit}", bytes >> bits),
        None => write!(f, "{bytes}"),
    }
}

// === impl Memory ===

impl FromStr for Memory {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Memory, Wrong> {
        match bytes(text, "memory")? {
            bytes if bytes < 1 << 20 => Err(wrong(text, "is less than `1MiB`", "memory")),
            bytes if bytes > 1 << 40 => Err(wrong(text, "is more than `1TiB`", "memory")),
            bytes => Ok(Memory(bytes)),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bytes(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why<T: FromStr<Err = Wrong> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().expect_err(text).to_string()
    }

    fn shown<T: FromStr<Err = Wrong> + fmt::Display>(text: &str) -> String {
        text.parse::<T>()
            .unwrap_or_else(|wrong| panic!("{wrong}"))
            .to_string()
    }

    #[test]
    fn a_size_has_a_unit_or_is_bytes() {
        for (text, normal) in [
            ("10MiB", "10MiB"),
            ("512 KiB", "512KiB"),
            ("1536KiB", "1536KiB"),
            ("1048576", "1MiB"),
            ("1.5MiB", "1536KiB"),
            ("10MB", "10000000"),
            ("1GiB", "1GiB"),
        ] {
            assert_eq!(shown::<Size>(text), normal);
            assert_eq!(normal.parse::<Size>(), text.parse::<Size>());
        }
        assert!(why::<Size>("big").starts_with("`big` is not a size; expected a size such as"));
        assert!(why::<Size>("0").contains("is less than `1KiB`"));
        assert!(why::<Size>("2GiB").contains("is more than `1GiB`"));
    }

    #[test]
    fn the_memory_of_a_process_may_be_more_than_a_size() {
        let shown = |text: &str| text.parse::<Memory>().map(|memory| memory.to_string());
        assert_eq!(shown("512 MiB").unwrap(), "512MiB");
        assert_eq!(shown("4GiB").unwrap(), "4GiB");
        for (text, why) in [
            ("1KiB", "`1KiB` is less than `1MiB`"),
            ("2TiB", "`2TiB` is more than `1TiB`"),
            ("much", "`much` is not a size"),
        ] {
            assert_eq!(shown(text).unwrap_err().why, why);
        }
    }
}
