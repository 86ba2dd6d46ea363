//! The yardsticks: a loop that only reads the stream and counts bytes, and the same through
//! reqwest. Neither parses anything.

use std::cell::RefCell;
use std::pin::Pin;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 * 1024].into_boxed_slice());
}

/// The same runtime, buffer and tasks as a worker's, one connection per stream; the server ends
/// each connection.
pub fn read_only(base_url: &str, streams: u32) -> anyhow::Result<()> {
    let url = reqwest::Url::parse(base_url)?;
    let address = format!(
        "{}:{}",
        url.host_str().unwrap_or("127.0.0.1"),
        url.port().context("the bench server has a port")?
    );
    runtime()?.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..streams {
            let mut stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            tasks.spawn(async move {
                let body = r#"{"model":"sim-8b","messages":[{"role":"user","content":"go"}],"stream":true}"#;
                let head = format!(
                    "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await?;
                let mut bytes = 0_u64;
                loop {
                    match read(&mut stream).await? {
                        0 => return std::io::Result::Ok(bytes),
                        n => bytes += n as u64,
                    }
                }
            });
        }
        let mut bytes = 0;
        while let Some(done) = tasks.join_next().await {
            bytes += done??;
        }
        if bytes == 0 {
            bail!("the bench server sent nothing");
        }
        Ok(())
    })
}

/// One read into a buffer that all tasks of the thread share, as our client's.
async fn read(stream: &mut TcpStream) -> std::io::Result<usize> {
    std::future::poll_fn(|cx| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut chunk = ReadBuf::new(buffer);
            Pin::new(&mut *stream).poll_read(cx, &mut chunk).map_ok(|()| chunk.filled().len())
        })
    })
    .await
}

/// What a client over reqwest would start from: chunks as they come, counted.
pub fn reqwest(base_url: &str, streams: u32) -> anyhow::Result<()> {
    let url = format!("{base_url}/chat/completions");
    runtime()?.block_on(async {
        let http = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .retry(reqwest::retry::never())
            .build()?;
        let mut tasks = JoinSet::new();
        for _ in 0..streams {
            let request = http.post(&url).body(
                r#"{"model":"sim-8b","messages":[{"role":"user","content":"go"}],"stream":true}"#,
            );
            tasks.spawn(async move {
                let mut answer = request.send().await?;
                let mut bytes = 0;
                while let Some(chunk) = answer.chunk().await? {
                    bytes += chunk.len();
                }
                Ok::<usize, reqwest::Error>(bytes)
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
