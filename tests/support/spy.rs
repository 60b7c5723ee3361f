//! A service that knows nothing of authorization and remembers what reached it; and what others read
//! in a body, whichever of two members they take.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::HttpBody;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A request as the service behind a layer got it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub head: Parts,
    pub body: Bytes,
}

impl Seen {
    /// All values of a header field.
    pub fn fields(&self, name: &str) -> Vec<&[u8]> {
        let values = self.head.headers.get_all(name).iter();
        values.map(http::HeaderValue::as_bytes).collect()
    }
}

/// The service. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Spy(Arc<Mutex<Vec<Seen>>>);

impl Spy {
    /// What reached it since the last time.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The one request that reached it since the last time.
    #[track_caller]
    pub fn only(&self) -> Seen {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    /// What the service answers: a result, whatever it was asked.
    pub const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

    /// Takes a request with any body.
    pub async fn serve<B>(self, request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: fmt::Debug,
    {
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a body that was decided about");
        let body = body.to_bytes();
        let seen = Seen { head, body };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(seen);
        let answer = Response::builder().header("content-type", "application/json");
        let answer = answer.body(Full::from(Self::ANSWER));
        Ok(answer.expect("an answer"))
    }
}

/// How somebody reads an object in which a member stands twice, or in another case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The first counts.
    First,
    /// The last counts, whatever its case, as in Go.
    Folding,
    /// The last counts, as in `serde_json::Value`.
    Last,
}

/// All of them.
pub const READERS: [Reader; 3] = [Reader::First, Reader::Folding, Reader::Last];

/// A JSON document with all of its members, however often they stand there.
#[derive(Clone, Debug, PartialEq)]
enum Document {
    Object(Vec<(String, Self)>),
    Array(Vec<Self>),
    Text(String),
    Other,
}

/// A letter without its case, with those beyond ASCII that fold into it.
fn folded(text: &str) -> String {
    let plain = text.replace('\u{17f}', "s").replace('\u{212a}', "k");
    plain.to_lowercase()
}

impl Document {
    fn member(&self, name: &str, reader: Reader) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let is_it = |known: &str| match reader {
            Reader::Folding => folded(known) == folded(name),
            Reader::First | Reader::Last => known == name,
        };
        let mut found = members.iter().filter(|(known, _)| is_it(known));
        let found = match reader {
            Reader::First => found.next(),
            Reader::Folding | Reader::Last => found.next_back(),
        };
        found.map(|(_, value)| value)
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(_) | Self::Array(_) | Self::Other => None,
        }
    }

    fn calls(&self, reader: Reader) -> Vec<String> {
        let messages = match self {
            Self::Array(messages) => messages.as_slice(),
            Self::Object(_) | Self::Text(_) | Self::Other => std::slice::from_ref(self),
        };
        let call = |message: &Self| {
            let method = message.member("method", reader)?.text()?;
            let params = message.member("params", reader);
            let name = params.and_then(|params| params.member("name", reader)?.text());
            Some(call_of(method, name))
        };
        messages.iter().filter_map(call).collect()
    }
}

fn call_of(method: &str, name: Option<&str>) -> String {
    match name {
        Some(name) if method == "tools/call" => format!("{method} {name}"),
        _ => method.to_owned(),
    }
}

/// The calls in a body, as this reader sees them: `tools/call get_weather`, or a method alone. A body
/// that it cannot read has none.
pub fn calls(body: &[u8], reader: Reader) -> Vec<String> {
    serde_json::from_slice::<Document>(body)
        .map(|document| document.calls(reader))
        .unwrap_or_default()
}

/// The same for `serde_json::Value` itself.
pub fn calls_of_value(body: &[u8]) -> Vec<String> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let messages = match value.as_array() {
        Some(messages) => messages.as_slice(),
        None => std::slice::from_ref(&value),
    };
    let call = |message: &Value| {
        let method = message.get("method")?.as_str()?;
        let name = message.get("params").and_then(|params| params.get("name"));
        Some(call_of(method, name.and_then(Value::as_str)))
    };
    messages.iter().filter_map(call).collect()
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Document;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Document, E> {
                Ok(Document::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
                Ok(Document::Other)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
                Ok(Document::Other)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
                Ok(Document::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
                Ok(Document::Other)
            }
            fn visit_str<E>(self, text: &str) -> Result<Document, E> {
                Ok(Document::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = seq.next_element()? {
                    all.push(value);
                }
                Ok(Document::Array(all))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut all = Vec::new();
                while let Some(member) = map.next_entry()? {
                    all.push(member);
                }
                Ok(Document::Object(all))
            }
        }
        from.deserialize_any(Any)
    }
}
