use crate::{FileError, Result};
use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// What [`open`] gives: the content of a file, decompressed where it was compressed.
pub type Input = Box<dyn BufRead + Send>;

/// Large enough that a system call is rare beside decompressing and parsing.
const BUFFER: usize = 1 << 18;

/// Opens a file for reading and decompresses gzip, bzip2 and Zstandard, also of several members or streams.
///
/// The format is told by the first bytes, never by the name: a `.gz` that a browser has unpacked already still reads.
/// When compressed data turns out to be damaged, the [`io::Error`] says so, and [`FileError::io`] makes of it an
/// error that names the file and the remedy.
///
/// # Errors
/// [`FileError::Io`] when the file cannot be opened.
pub fn open(path: &Path) -> Result<Input> {
    let file = File::open(path).map_err(|e| FileError::io(path, "open", e))?;
    decompress(file).map_err(|e| FileError::io(path, "read", e))
}

/// [`open`] for content that comes from elsewhere: an archive's member, a slice.
///
/// # Errors
/// The reader's own, while its first bytes are read.
pub fn decompress<'a>(reader: impl Read + Send + 'a) -> io::Result<Box<dyn BufRead + Send + 'a>> {
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    let mut head = Vec::with_capacity(Format::LONGEST);
    // A pipe may give fewer bytes at a time than the format's mark has.
    (&mut reader).take(Format::LONGEST as u64).read_to_end(&mut head)?;
    let format = Format::of(&head);
    let whole = Cursor::new(head).chain(reader);
    let Some(format) = format else { return Ok(Box::new(whole)) };
    let decoder: Box<dyn Read + Send + 'a> = match format {
        Format::Gzip => Box::new(MultiGzDecoder::new(whole)),
        Format::Bzip2 => Box::new(MultiBzDecoder::new(whole)),
        Format::Zstandard => Box::new(zstd::Decoder::with_buffer(whole)?),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, Guarded { decoder, format })))
}

#[derive(Copy, Clone, Debug)]
enum Format {
    Gzip,
    Bzip2,
    Zstandard,
}

impl Format {
    /// Bytes needed to tell the formats.
    const LONGEST: usize = 10;

    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // `BZh` and a digit could begin a text; the mark of the first block (or of an empty stream's end) could not.
            [b'B', b'Z', b'h', b'1'..=b'9', mark @ ..] if bzip2_mark(mark) => Some(Self::Bzip2),
            // A frame, or one to be skipped, which parallel compressors write first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstandard),
            _ => None,
        }
    }
}

fn bzip2_mark(mark: &[u8]) -> bool {
    [*b"\x31\x41\x59\x26\x53\x59", *b"\x17\x72\x45\x38\x50\x90"].iter().any(|m| mark.starts_with(m))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstandard => "Zstandard",
        })
    }
}

/// Tells damage of the data from trouble with the disk, which the decoders' errors leave to guessing.
struct Guarded<'a> {
    decoder: Box<dyn Read + Send + 'a>,
    format: Format,
}

impl Read for Guarded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer).map_err(|e| {
            if e.raw_os_error().is_some() || e.kind() == io::ErrorKind::Interrupted {
                return e;
            }
            io::Error::new(io::ErrorKind::InvalidData, Damage { format: self.format, cause: e })
        })
    }
}

/// Compressed data that cannot be decompressed.
#[derive(Debug)]
struct Damage {
    format: Format,
    cause: io::Error,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} data that is cut off or damaged ({})", self.format, self.cause)
    }
}

impl std::error::Error for Damage {}

/// If `error` says that compressed data is damaged: the error about the file.
pub(crate) fn damage(path: &Path, error: &io::Error) -> Option<FileError> {
    let damage = error.get_ref()?.downcast_ref::<Damage>()?;
    let expected = format!("a whole {} file", damage.format);
    Some(FileError::content(path, None, damage.to_string(), expected, "fetch the file again"))
}
