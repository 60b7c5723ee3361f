//! Where a body begins and ends: requests that some take for one and others for two.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::table::{ALLOWED, FORBIDDEN, Site, reads, within};

const WEATHER: &[&str] = &["tools/call get_weather"];

/// Bytes on one connection, the statuses of the answers to them, and what reached the service.
struct Frames {
    what: &'static str,
    bytes: Vec<u8>,
    answers: &'static [u16],
    runs: &'static [&'static [&'static str]],
}

/// What follows on every connection: a request without a credential. It is answered if, and as often
/// as, the server knows where the one before it ended.
const LAST: &str = "GET /last HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";

/// Everything of a request but the fields that say how long it is.
fn head(token: &str, fields: &str) -> String {
    let json = "content-type: application/json";
    format!("POST /mcp HTTP/1.1\r\nhost: t\r\n{json}\r\nauthorization: Bearer {token}\r\n{fields}")
}

/// A body in pieces of so many bytes.
fn chunked(body: &str, size: usize) -> String {
    let pieces = body.as_bytes().chunks(size);
    let pieces = pieces.map(|piece| {
        let text = std::str::from_utf8(piece).expect("ASCII");
        format!("{:x}\r\n{text}\r\n", piece.len())
    });
    pieces.collect::<String>() + "0\r\n\r\n"
}

impl Site {
    async fn takes(&self, frames: &Frames) {
        let mut stream = TcpStream::connect(self.server.address)
            .await
            .expect("a connection");
        let mut bytes = Vec::new();
        within(async {
            // A server may answer and close before it has read everything.
            stream.write_all(&frames.bytes).await.ok();
            stream.read_to_end(&mut bytes).await.ok();
        })
        .await;
        let seen = self.spy.take();
        let what = frames.what;
        assert_eq!(statuses(&bytes), frames.answers, "{what}");
        assert_eq!(seen.len(), frames.runs.len(), "{what}: {seen:?}");
        for (seen, runs) in seen.iter().zip(frames.runs) {
            reads(seen, runs, what);
        }
    }
}

/// The statuses of the answers in these bytes, whose lengths their heads tell.
fn statuses(bytes: &[u8]) -> Vec<u16> {
    let mut rest = String::from_utf8_lossy(bytes).into_owned();
    let mut found = Vec::new();
    while let Some((head, after)) = rest.split_once("\r\n\r\n") {
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        found.push(status.expect("a status"));
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse::<usize>().expect("a length"))
        });
        rest = after.split_at(length.unwrap_or_default()).1.to_owned();
    }
    found
}

/// With a length.
fn lengths(token: &str) -> Vec<Frames> {
    let said = |fields: &str, rest: &str| {
        let head = head(token, fields);
        format!("{head}\r\n{rest}{LAST}").into_bytes()
    };
    let length = ALLOWED.len();
    let right = format!("content-length: {length}\r\n");
    // The second one has no credential of its own.
    let hidden = format!(
        "POST /mcp HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{FORBIDDEN}",
        FORBIDDEN.len()
    );
    let mut all = vec![
        Frames {
            what: "a length",
            bytes: said(&right, ALLOWED),
            answers: &[200, 401],
            runs: &[WEATHER],
        },
        Frames {
            what: "a second request right behind the body",
            bytes: said(&right, &format!("{ALLOWED}{hidden}")),
            answers: &[200, 401, 401],
            runs: &[WEATHER],
        },
        Frames {
            what: "a second message right behind the body",
            bytes: said(&right, &format!("{ALLOWED}{FORBIDDEN}\r\n")),
            answers: &[200, 400],
            runs: &[WEATHER],
        },
        Frames {
            what: "a length that ends within the message",
            bytes: said("content-length: 40\r\n", ALLOWED),
            answers: &[400, 400],
            runs: &[],
        },
        Frames {
            what: "a length of nothing",
            bytes: said("content-length: 0\r\n", &hidden),
            answers: &[400, 401, 401],
            runs: &[],
        },
        Frames {
            what: "no length",
            bytes: said("", &hidden),
            answers: &[400, 401, 401],
            runs: &[],
        },
        Frames {
            what: "two equal lengths in two fields",
            bytes: said(&format!("{right}{right}"), ALLOWED),
            answers: &[200, 401],
            runs: &[WEATHER],
        },
    ];
    for (what, value) in [
        ("a length with a sign", format!("+{length}")),
        ("a length below nothing", format!("-{length}")),
        ("a length in hexadecimal", format!("0x{length:x}")),
        ("a length with a fraction", format!("{length}.0")),
        ("two lengths in one field", format!("{length}, 0")),
        ("an empty length", String::new()),
        ("a length beyond all numbers", "9".repeat(30)),
        (
            "two lengths in two fields",
            format!("{length}\r\ncontent-length: 0"),
        ),
        (
            "two lengths, the other way",
            format!("0\r\ncontent-length: {length}"),
        ),
    ] {
        all.push(Frames {
            what,
            bytes: said(&format!("content-length: {value}\r\n"), ALLOWED),
            answers: &[400],
            runs: &[],
        });
    }
    all
}

/// In pieces.
fn pieces(token: &str) -> Vec<Frames> {
    const CHUNKED: &str = "transfer-encoding: chunked\r\n";
    let said = |fields: &str, body: &str| {
        let head = head(token, fields);
        format!("{head}\r\n{body}{LAST}").into_bytes()
    };
    let right = |what, fields: &str, body: &str| Frames {
        what,
        bytes: said(fields, body),
        answers: &[200, 401],
        runs: &[WEATHER],
    };
    let wrong = |what, fields: &str, body: &str| Frames {
        what,
        bytes: said(fields, body),
        answers: &[400],
        runs: &[],
    };
    let whole = chunked(ALLOWED, 1_000);
    let size = ALLOWED.len();
    let mut all = vec![
        right("one piece", CHUNKED, &whole),
        right("byte by byte", CHUNKED, &chunked(ALLOWED, 1)),
        right("three by three", CHUNKED, &chunked(ALLOWED, 3)),
        right(
            "a piece with an extension",
            CHUNKED,
            &format!("{size:x};a=\"b\"\r\n{ALLOWED}\r\n0\r\n\r\n"),
        ),
        right(
            "a size with noughts",
            CHUNKED,
            &format!("0000{size:x}\r\n{ALLOWED}\r\n0\r\n\r\n"),
        ),
        right(
            "a size in capitals",
            CHUNKED,
            &format!("{size:X}\r\n{ALLOWED}\r\n0\r\n\r\n"),
        ),
        right(
            "the name in capitals",
            "Transfer-Encoding: CHUNKED\r\n",
            &whole,
        ),
        right(
            "fields behind the body",
            &format!("{CHUNKED}trailer: authorization, mcp-name\r\n"),
            &format!(
                "{size:x}\r\n{ALLOWED}\r\n0\r\nauthorization: Bearer x\r\nmcp-name: delete_file\r\ncontent-type: text/plain\r\n\r\n"
            ),
        ),
        wrong(
            "a size beyond all numbers",
            CHUNKED,
            &format!("FFFFFFFFFFFFFFFFF\r\n{ALLOWED}\r\n0\r\n\r\n"),
        ),
        wrong(
            "a size below nothing",
            CHUNKED,
            &format!("-1\r\n{ALLOWED}\r\n0\r\n\r\n"),
        ),
        wrong(
            "a size with 0x",
            CHUNKED,
            &format!("0x{size:x}\r\n{ALLOWED}\r\n0\r\n\r\n"),
        ),
        wrong(
            "a size that is too small",
            CHUNKED,
            &format!("4\r\n{ALLOWED}\r\n0\r\n\r\n"),
        ),
        wrong(
            "a piece without an end",
            CHUNKED,
            &format!("{size:x}\r\n{ALLOWED}0\r\n\r\n"),
        ),
        wrong(
            "line ends of one byte",
            CHUNKED,
            &format!("{size:x}\n{ALLOWED}\n0\n\n"),
        ),
    ];
    // With a length beside them the pieces count, and nothing behind them is read (RFC 9112 section
    // 6.1).
    for (what, fields, answers) in [
        (
            "a length beside the pieces",
            format!("content-length: {size}\r\n{CHUNKED}"),
            &[200][..],
        ),
        (
            "a length behind the pieces",
            format!("{CHUNKED}content-length: 5\r\n"),
            &[200],
        ),
        (
            "an encoding before the pieces",
            "transfer-encoding: gzip, chunked\r\n".to_owned(),
            &[200, 401],
        ),
        (
            "two fields of pieces",
            format!("{CHUNKED}{CHUNKED}"),
            &[200, 401],
        ),
    ] {
        all.push(Frames {
            answers,
            ..right(what, &fields, &whole)
        });
    }
    for (what, fields) in [
        ("pieces that are none", "transfer-encoding: xchunked\r\n"),
        (
            "pieces, and then as they are",
            "transfer-encoding: chunked, identity\r\n",
        ),
        ("as they are", "transfer-encoding: identity\r\n"),
        (
            "a blank before the colon",
            "transfer-encoding : chunked\r\n",
        ),
        (
            "a vertical tab before the value",
            "transfer-encoding: \u{b}chunked\r\n",
        ),
        ("a field on two lines", "transfer-encoding:\r\n chunked\r\n"),
        (
            "a NUL in a field",
            "x-a: b\0c\r\ntransfer-encoding: chunked\r\n",
        ),
        (
            "a line end of one byte in a field",
            "x-a: b\rtransfer-encoding: chunked\r\n",
        ),
    ] {
        all.push(wrong(what, fields, &whole));
    }
    all
}

/// RS-086: what is decided about ends where the service's body ends.
#[tokio::test]
async fn a_body_ends_where_its_length_says() {
    let site = Site::new().await;
    for frames in lengths(&site.token) {
        site.takes(&frames).await;
    }
}

/// RS-086: a body in pieces is the same body.
#[tokio::test]
async fn a_body_in_pieces_is_the_same_body() {
    let site = Site::new().await;
    for frames in pieces(&site.token) {
        site.takes(&frames).await;
    }
}

/// What is answered to bytes that come in two pieces.
async fn in_two(address: SocketAddr, (first, second): (&[u8], &[u8])) -> Vec<u8> {
    let stream = TcpStream::connect(address).await;
    let mut stream = stream.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    for piece in [first, second] {
        stream.write_all(piece).await.expect("a piece is sent");
        tokio::task::yield_now().await;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    answer
}

/// RS-086: wherever the bytes of a request are split on their way, it is one request.
#[tokio::test]
async fn a_request_may_come_in_pieces() {
    let site = Site::new().await;
    for (body, status) in [(ALLOWED, 200), (FORBIDDEN, 403)] {
        let fields = format!("content-length: {}\r\nconnection: close\r\n", body.len());
        let head = head(&site.token, &fields);
        let bytes = format!("{head}\r\n{body}").into_bytes();
        for at in (bytes.len() - body.len() - 4)..bytes.len() {
            let answer = within(in_two(site.server.address, bytes.split_at(at))).await;
            assert_eq!(statuses(&answer), [status], "split at {at}");
            let seen = site.spy.take();
            assert_eq!(seen.len(), usize::from(status == 200));
            for seen in seen {
                reads(&seen, WEATHER, "a request in two pieces");
            }
        }
    }
}

/// RS-002: who goes away in the middle of a message has not called anything.
#[tokio::test]
async fn half_a_message_is_none() {
    let site = Site::new().await;
    let length = format!("content-length: {}\r\n", ALLOWED.len() + FORBIDDEN.len());
    let pieces = "transfer-encoding: chunked\r\n".to_owned();
    for (fields, body) in [
        (length, ALLOWED.to_owned()),
        (pieces, format!("{:x}\r\n{ALLOWED}\r\n", ALLOWED.len())),
    ] {
        let mut stream = TcpStream::connect(site.server.address)
            .await
            .expect("a connection");
        let bytes = format!("{}\r\n{body}", head(&site.token, &fields));
        let mut answer = Vec::new();
        within(async {
            stream.write_all(bytes.as_bytes()).await.expect("sent");
            stream.shutdown().await.expect("the end");
            stream.read_to_end(&mut answer).await.ok();
        })
        .await;
        assert!(site.spy.take().is_empty());
        assert!(!statuses(&answer).contains(&200));
    }
}
