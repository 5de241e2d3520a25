//! A cassette of Python's, in the wire of a client.

use super::{bridge::call_python, errors::lower};
use crate::{
    clock::BoxFuture,
    error::{Error, Result},
    pipeline::tape::{Asked, Deck, Told},
};
use bytes::Bytes;
use pyo3::{prelude::*, types::PyBytes};
use std::fmt;

/// An object with `play` and `keep`.
pub(super) struct PyDeck(pub(super) Py<PyAny>);

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

impl fmt::Debug for PyDeck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PyDeck")
    }
}

impl PyDeck {
    async fn call<T: Send + 'static>(&self, work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static) -> Result<T> {
        let Some(object) = super::gate::attach(|py| self.0.clone_ref(py)) else { return Err(Error::closed()) };
        call_python(move |py| work(object.bind(py)).map_err(|e| lower(py, &e, "the cassette failed"))).await
    }
}

impl Deck for PyDeck {
    fn play(&self, asked: Asked) -> BoxFuture<'_, Result<Option<Told>>> {
        Box::pin(self.call(move |deck| {
            let body = PyBytes::new(deck.py(), &asked.body);
            let answer: Option<Answer> = deck.call_method1("play", (asked.method, asked.url, asked.headers, body))?.extract()?;
            Ok(answer.map(|(status, headers, body)| Told { status, headers, body: Bytes::from(body) }))
        }))
    }

    fn keep(&self, asked: Asked, told: Told) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.call(move |deck| {
            let (sent, got) = (PyBytes::new(deck.py(), &asked.body), PyBytes::new(deck.py(), &told.body));
            let request = (asked.method, asked.url, asked.headers, sent, asked.claims);
            deck.call_method1("keep", (request, (told.status, told.headers, got)))?;
            Ok(())
        }))
    }
}
