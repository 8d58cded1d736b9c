//! Tensors in safetensors files: read one by one, written one by one, so that memory holds one at a time.

use crate::{ModelError, Result};
use half::{bf16, f16};
use kbioxlm_files::{FileError, read_json, write_atomic};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Name of the weights in a model directory.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// A safetensors header is never longer (the format's own limit).
const MAX_HEADER: u64 = 100_000_000;

/// A tensor in a file.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    file: PathBuf,
    start: u64,
    bytes: usize,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
}

impl Stored {
    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The tensors of a model directory by the name they have in the file.
#[derive(Debug)]
pub(crate) struct Store {
    /// The file to blame for what is missing.
    pub(crate) path: PathBuf,
    pub(crate) tensors: BTreeMap<String, Stored>,
    /// Size of all files together.
    pub(crate) bytes: u64,
}

impl Store {
    /// Reads the headers of `model.safetensors`, or of the files that `model.safetensors.index.json` names.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let single = dir.join(WEIGHTS_FILE);
        let index = dir.join("model.safetensors.index.json");
        if single.exists() || !index.exists() {
            if !single.exists() && dir.join("pytorch_model.bin").exists() {
                return Err(ModelError::content(
                    &dir.join("pytorch_model.bin"),
                    "weights as a Python pickle",
                    WEIGHTS_FILE,
                    "convert them once in Python: AutoModelForMaskedLM.from_pretrained(DIR).save_pretrained(DIR)",
                ));
            }
            let mut store = Self { path: single.clone(), tensors: BTreeMap::new(), bytes: 0 };
            store.add(&single)?;
            return Ok(store);
        }
        #[derive(serde::Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let Index { weight_map } = read_json(&index, "an object with `weight_map`, the file of each tensor")?;
        let mut store = Self { path: index.clone(), tensors: BTreeMap::new(), bytes: 0 };
        for file in weight_map.values().collect::<BTreeSet<_>>() {
            if Path::new(file).components().count() != 1 {
                return Err(ModelError::content(
                    &index,
                    format!("the file name `{file}`"),
                    "names of files in the same directory",
                    "restore the file from where it came from",
                ));
            }
            store.add(&dir.join(file))?;
        }
        Ok(store)
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        let mut file = File::open(path).map_err(|e| FileError::io(path, "open", e))?;
        let length = file.metadata().map_err(|e| FileError::io(path, "read", e))?.len();
        let broken =
            |found: String| ModelError::content(path, found, "a safetensors file", "fetch or convert the file again");
        let mut size = [0; 8];
        if length < 8 {
            return Err(broken(format!("{length} bytes")));
        }
        file.read_exact(&mut size).map_err(|e| FileError::io(path, "read", e))?;
        let header_length = u64::from_le_bytes(size);
        if header_length > MAX_HEADER.min(length - 8) {
            return Err(broken(format!("{length} bytes that promise a header of {header_length} bytes")));
        }
        let mut header = vec![0; header_length as usize];
        file.read_exact(&mut header).map_err(|e| FileError::io(path, "read", e))?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|e| broken(format!("a broken header ({e})")))?;
        let expected = 8 + header_length + metadata.data_len() as u64;
        if length != expected {
            return Err(ModelError::content(
                path,
                format!("{length} bytes"),
                format!("{expected} bytes, as its header says"),
                "the file was cut short or mixed up: fetch or write it again",
            ));
        }
        for (name, info) in metadata.tensors() {
            let (start, end) = info.data_offsets;
            let stored = Stored {
                file: path.to_owned(),
                start: 8 + header_length + start as u64,
                bytes: end - start,
                dtype: info.dtype,
                shape: info.shape.clone(),
            };
            self.tensors.insert(name, stored);
        }
        self.bytes += length;
        Ok(())
    }

    fn get(&self, name: &str) -> Result<&Stored> {
        self.tensors.get(name).ok_or_else(|| {
            let found = format!("no tensor `{name}`");
            ModelError::content(&self.path, found, "it", "restore the file from where it came from")
        })
    }

    /// The bytes of a tensor as they are in the file.
    pub(crate) fn read_bytes(&self, name: &str) -> Result<Vec<u8>> {
        let stored = self.get(name)?;
        let mut bytes = vec![0; stored.bytes];
        File::open(&stored.file)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(stored.start))?;
                file.read_exact(&mut bytes)
            })
            .map_err(|e| FileError::io(&stored.file, "read", e))?;
        Ok(bytes)
    }

    /// The values of a tensor, which has to have the shape given.
    pub(crate) fn read_f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let stored = self.get(name)?;
        if stored.shape != shape {
            return Err(ModelError::content(
                &stored.file,
                format!("tensor `{name}` of shape {:?}", stored.shape),
                format!("shape {shape:?}"),
                "check that config.json, the weights and the number of labels belong together",
            ));
        }
        let bytes = self.read_bytes(name)?;
        let words = |bytes: &[u8]| bytes.as_chunks::<2>().0.to_vec();
        match stored.dtype {
            Dtype::F32 => Ok(bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
            Dtype::F16 => Ok(words(&bytes).into_iter().map(|b| f16::from_le_bytes(b).to_f32()).collect()),
            Dtype::BF16 => Ok(words(&bytes).into_iter().map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
            other => Err(ModelError::content(
                &stored.file,
                format!("tensor `{name}` of type {other:?}"),
                "F32, F16 or BF16",
                "convert the weights to one of these types",
            )),
        }
    }
}

/// Name, type and shape of a tensor to write.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
}

/// Writes a safetensors file as `transformers` expects it; `data(i)` gives the bytes of entry `i`, asked for in order.
pub(crate) fn write_safetensors(
    path: &Path,
    entries: &[Entry],
    mut data: impl FnMut(usize) -> Result<Vec<u8>, String>,
) -> Result<()> {
    let mut end = 0;
    let mut infos = Vec::with_capacity(entries.len());
    for entry in entries {
        let start = end;
        end += entry.shape.iter().product::<usize>() * entry.dtype.bitsize() / 8;
        let info = TensorInfo { dtype: entry.dtype, shape: entry.shape.clone(), data_offsets: (start, end) };
        infos.push((entry.name.clone(), info));
    }
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write_atomic(path, |file| {
        let metadata = Metadata::new(Some(format), infos).map_err(std::io::Error::other)?;
        let mut header = serde_json::to_vec(&metadata)?;
        // The format aligns the data to eight bytes.
        header.resize(header.len().next_multiple_of(8), b' ');
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for (i, entry) in entries.iter().enumerate() {
            let bytes = data(i).map_err(|e| std::io::Error::other(format!("tensor `{}`: {e}", entry.name)))?;
            file.write_all(&bytes)?;
        }
        Ok(())
    })?;
    Ok(())
}
