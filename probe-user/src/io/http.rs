//! A page for scrapers: HTTP/1.1, one path.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    time,
};

/// Connections served at a time; others wait.
const CONNECTIONS: usize = 16;

/// Requests that wait for the page.
const WAITING: usize = 4;

/// How long a connection may take for its headers.
const HEADERS_MAY_TAKE: Duration = Duration::from_secs(5);

/// How long a connection may last, whatever it does.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait when no connection can be accepted.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// The text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A scraper that waits for the page.
pub type Scrape = oneshot::Sender<String>;

/// Scrapers of `/metrics`.
#[derive(Debug)]
pub struct Scrapes {
    waiting: mpsc::Receiver<Scrape>,
}

impl Scrapes {
    /// Listens; connections are served by tasks of the runtime.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (sender, waiting) = mpsc::channel(WAITING);
        tokio::spawn(serve(listener, sender));
        Ok(Self { waiting })
    }

    /// The next scraper.
    pub async fn next(&mut self) -> Option<Scrape> {
        self.waiting.recv().await
    }
}

async fn serve(listener: TcpListener, sender: mpsc::Sender<Scrape>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            time::sleep(AFTER_FAILURE).await;
            continue;
        };
        let sender = sender.clone();
        tokio::spawn(async move {
            // A peer that breaks off or dallies is its own affair.
            drop(time::timeout(LONGEST, connection(stream, sender)).await);
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, sender: mpsc::Sender<Scrape>) -> hyper::Result<()> {
    let service = service_fn(move |request| answer(request, sender.clone()));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAY_TAKE)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(
    request: Request<Incoming>,
    sender: mpsc::Sender<Scrape>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => match page(&sender).await {
            Some(page) => return Ok(whole(page)),
            None => StatusCode::SERVICE_UNAVAILABLE,
        },
        (_, "/metrics") => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::NOT_FOUND,
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    Ok(response)
}

/// Asks for the page; `None` once nobody makes it any more.
async fn page(sender: &mpsc::Sender<Scrape>) -> Option<String> {
    let (scrape, page) = oneshot::channel();
    sender.send(scrape).await.ok()?;
    page.await.ok()
}

fn whole(page: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(page));
    let kind = header::HeaderValue::from_static(TEXT);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
