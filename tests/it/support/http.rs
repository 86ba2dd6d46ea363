//! A request as a server of the tests reads it. Not here: answers.

use std::collections::BTreeMap;
use std::io::{self, Read};

pub struct Request {
    pub method: String,
    pub path: String,
    /// By their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// None where the client has closed the connection.
pub fn request(reader: &mut impl Read) -> io::Result<Option<Request>> {
    let mut first = line(reader)?.split(' ').map(str::to_owned).collect::<Vec<_>>().into_iter();
    let (Some(method), Some(path)) = (first.next(), first.next()) else { return Ok(None) };
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line(reader)?.split_once(": ") {
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = Vec::new();
    if headers.get("transfer-encoding").is_some_and(|t| t == "chunked") {
        loop {
            let size = usize::from_str_radix(&line(reader)?, 16).map_err(io::Error::other)?;
            let begin = body.len();
            body.resize(begin + size, 0);
            reader.read_exact(&mut body[begin..])?;
            line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else {
        body.resize(headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0), 0);
        reader.read_exact(&mut body)?;
    }
    Ok(Some(Request { method, path, headers, body }))
}

/// Empty at the end too.
fn line(reader: &mut impl Read) -> io::Result<String> {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while reader.read(&mut byte)? > 0 && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
}
