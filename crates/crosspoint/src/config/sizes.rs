//! Numbers of bytes, written with a unit.

use std::fmt;
use std::str::FromStr;

use super::format::{as_text, wrong};
use super::problem::Wrong;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// A number of bytes from 1 KiB to 1 GiB: what it limits is held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// A number of bytes from 1 MiB to 1 TiB: what it limits is held by another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(pub u64);

/// A number of bytes from 1 MiB to 16 TiB: what it limits is on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume(pub u64);

as_text!(Size, "size", ["string", "integer"]);
as_text!(Memory, "memory", ["string", "integer"]);
as_text!(Volume, "volume", ["string", "integer"]);

// === impl Size, Memory, Volume ===

impl Size {
    /// That many times 1024 * 1024 bytes.
    pub const fn mebibytes(count: u64) -> Size {
        Size(count << 20)
    }
}

impl Volume {
    /// That many times 1024 * 1024 * 1024 bytes.
    pub const fn gibibytes(count: u64) -> Volume {
        Volume(count << 30)
    }
}

impl FromStr for Size {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Size, Wrong> {
        read(text, "size", KIB, GIB).map(Size)
    }
}

impl FromStr for Memory {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Memory, Wrong> {
        read(text, "memory", MIB, TIB).map(Memory)
    }
}

impl FromStr for Volume {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Volume, Wrong> {
        read(text, "volume", MIB, 16 * TIB).map(Volume)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

/// Reads a number of bytes that lies within bounds.
fn read(text: &str, format: &str, least: u64, most: u64) -> Result<u64, Wrong> {
    let not_one = |_| wrong(text, "is not a size", format);
    let size: bytesize::ByteSize = text.trim().parse().map_err(not_one)?;
    let bound = |fault, bound| {
        wrong(
            text,
            &format!("is {fault} than `{}`", Volume(bound)),
            format,
        )
    };
    match size.as_u64() {
        bytes if bytes < least => Err(bound("less", least)),
        bytes if bytes > most => Err(bound("more", most)),
        bytes => Ok(bytes),
    }
}

/// In the largest unit that needs no fraction, so that nothing is lost.
fn write(bytes: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let units = [(TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")];
    match units
        .into_iter()
        .find(|(unit, _)| bytes.is_multiple_of(*unit))
    {
        Some((unit, name)) => write!(f, "{}{name}", bytes / unit),
        None => write!(f, "{bytes}"),
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
    fn what_is_on_a_disk_may_be_more_than_memory() {
        for (text, normal) in [
            ("10GiB", "10GiB"),
            ("1MiB", "1MiB"),
            ("1.5 TiB", "1536GiB"),
            ("16TiB", "16TiB"),
        ] {
            assert_eq!(shown::<Volume>(text), normal);
            assert_eq!(normal.parse::<Volume>(), text.parse::<Volume>());
        }
        for (text, reason) in [
            (
                "1KiB",
                "`1KiB` is less than `1MiB`; expected a size such as `10GiB`",
            ),
            ("17TiB", "`17TiB` is more than `16TiB`"),
            ("all", "`all` is not a size"),
        ] {
            assert!(
                why::<Volume>(text).starts_with(reason),
                "{}",
                why::<Volume>(text)
            );
        }
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
