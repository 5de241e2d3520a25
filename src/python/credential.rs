//! Credentials: ours as objects, anybody else's as they are.

use super::{
    bridge::call_python,
    convert::Options,
    errors::{describe, lift, raise},
    runtime,
};
use crate::{
    auth::{
        Authority, Claims, ClientSecret, Credential, DeviceCode, DevicePrompt, Grant, Person, PublicClient, StaticToken, Tokens, User,
        Wanted, Wire, check_secret,
    },
    clock::{BoxFuture, epoch_seconds},
    cloud::CLOUDS,
    error::{Error, Kind, Result},
    secret::Secret,
    settings::Settings,
};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyDict};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

/// A credential with its token cache. Use the classes of `xdrkit.credentials`.
#[pyclass(frozen, name = "Credential", module = "xdrkit._core")]
pub(super) struct PyCredential {
    tokens: Arc<Tokens>,
    wire: Wire,
}

#[pymethods]
impl PyCredential {
    #[staticmethod]
    #[pyo3(signature = (tenant_id, client_id, client_secret, options=None))]
    fn client_secret(
        py: Python<'_>,
        tenant_id: &str,
        client_id: &str,
        client_secret: String,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyCredential> {
        let secret = Secret::new(client_secret);
        let (authority, wire) = parts(py, tenant_id, options)?;
        let credential = lift(py, check_secret(secret).and_then(|secret| ClientSecret::new(authority, client_id, secret)))?;
        Ok(PyCredential { tokens: Tokens::new(credential), wire })
    }

    #[staticmethod]
    #[pyo3(signature = (tenant_id, client_id, prompt, options=None))]
    fn device_code(
        py: Python<'_>,
        tenant_id: &str,
        client_id: &str,
        prompt: Py<PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyCredential> {
        let (authority, wire) = parts(py, tenant_id, options)?;
        let client = lift(py, PublicClient::new(authority, client_id))?;
        let way = DeviceCode { person: self::person(Some(prompt)) };
        Ok(PyCredential { tokens: Tokens::new(User::new(client, way)), wire })
    }

    #[staticmethod]
    fn static_token(py: Python<'_>, token: String) -> PyResult<PyCredential> {
        let credential = lift(py, StaticToken::new(Secret::new(token)))?;
        Ok(PyCredential { tokens: Tokens::new(credential), wire: lift(py, Settings::default().wire())? })
    }

    #[staticmethod]
    fn foreign(credential: &Bound<'_, PyAny>) -> PyResult<PyCredential> {
        let py = credential.py();
        Ok(PyCredential { tokens: PyCredential::tokens_of(credential)?, wire: lift(py, Settings::default().wire())? })
    }

    #[pyo3(signature = (scopes, options=None))]
    fn get_token(&self, py: Python<'_>, scopes: Vec<String>, options: Option<&Bound<'_, PyDict>>) -> PyResult<(String, i64)> {
        let mut options = Options::new(options)?;
        let claims = options.text("claims")?;
        let wanted = Wanted { claims, ..lift(py, Wanted::scopes(&scopes))? };
        let (tokens, wire) = (self.tokens.clone(), self.wire.clone());
        let token = runtime::wait(py, async move { tokens.get(&wire, &wanted).await })?;
        let expires_on = token.expires_on.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        Ok((token.secret.expose().to_owned(), expires_on))
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.tokens.credential().kind()
    }

    fn __repr__(&self) -> String {
        let credential = self.tokens.credential();
        let named = |name: &str, value: Option<&str>| value.map(|v| format!(" {name}={v}")).unwrap_or_default();
        format!("<{} credential{}{}>", credential.kind(), named("tenant", credential.tenant()), named("client", credential.client_id()))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a credential holds secrets and cannot be pickled: make one in each process"))
    }
}

impl PyCredential {
    /// The tokens of one of ours, or new ones over somebody else's.
    pub(super) fn tokens_of(object: &Bound<'_, PyAny>) -> PyResult<Arc<Tokens>> {
        if let Ok(ours) = object.cast::<PyCredential>() {
            return Ok(ours.get().tokens.clone());
        }
        if !object.hasattr("get_token")? && !object.hasattr("get_token_info")? && !object.is_callable() {
            let kind = object.get_type().name()?;
            let error = Error::setting("credential", format!("{kind} has no get_token(*scopes) and is no callable"));
            return Err(raise(object.py(), error));
        }
        Ok(Tokens::new(Foreign { object: object.clone().unbind() }))
    }
}

fn parts(py: Python<'_>, tenant_id: &str, options: Option<&Bound<'_, PyDict>>) -> PyResult<(Authority, Wire)> {
    let mut options = Options::new(options)?;
    let authority = options.text("authority")?.or_else(|| CLOUDS.first().map(|c| c.authority.to_owned())).unwrap_or_default();
    let trusted = options.flag("trust_authority")?;
    let settings = Settings { ca_bundle: options.text("ca_bundle")?, proxy: options.text("proxy")?, ..Settings::default() };
    lift(py, options.end(true))?;
    Ok((lift(py, Authority::new(&authority, tenant_id, trusted))?, lift(py, settings.wire())?))
}

/// Asks a Python object for tokens.
struct Foreign {
    object: Py<PyAny>,
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Foreign")
    }
}

impl Credential for Foreign {
    fn kind(&self) -> &'static str {
        "foreign"
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let (scope, claims) = (wanted.scope(), wanted.claims.clone());
            let Some(object) = super::gate::attach(|py| self.object.clone_ref(py)) else { return Err(Error::closed()) };
            let (token, expires_on) = call_python(move |py| ask(py, object.bind(py), &scope, claims)).await?;
            let now = epoch_seconds(&*wire.clock);
            let token = Secret::new(token);
            let ends = expires_on.or_else(|| Claims::read(&token).and_then(|c| c.expires)).unwrap_or(now + 300);
            Ok(Grant { token, lifetime: Duration::from_secs(u64::try_from(ends - now).unwrap_or(0)), refresh_in: None })
        })
    }
}

fn ask(py: Python<'_>, object: &Bound<'_, PyAny>, scope: &str, claims: Option<String>) -> Result<(String, Option<i64>)> {
    let asked = py.import("xdrkit._foreign").and_then(|m| m.call_method1("ask", (object, scope, claims))).and_then(|a| a.extract());
    asked.map_err(|e| {
        let name = object.get_type().name().map_or_else(|_| "credential".to_owned(), |n| n.to_string());
        Error::new(Kind::Authentication, format!("the credential {name} gave no token: {}", describe(py, &e)))
    })
}

/// Shows device codes through a callable, or on standard error.
pub(super) fn person(callable: Option<Py<PyAny>>) -> Arc<dyn Person> {
    Arc::new(PyPerson { callable })
}

struct PyPerson {
    callable: Option<Py<PyAny>>,
}

impl fmt::Debug for PyPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PyPerson")
    }
}

impl Person for PyPerson {
    fn show_code(&self, prompt: &DevicePrompt) -> Result<()> {
        let shown = super::gate::attach(|py| {
            let facts = PyDict::new(py);
            let show = || -> PyResult<()> {
                facts.set_item("message", &prompt.message)?;
                facts.set_item("user_code", &prompt.user_code)?;
                facts.set_item("verification_uri", &prompt.verification_uri)?;
                facts.set_item("expires_in", prompt.expires_in.as_secs())?;
                match &self.callable {
                    Some(callable) => callable.call1(py, (facts,)).map(drop),
                    None => py.import("xdrkit.credentials")?.call_method1("show_on_stderr", (facts,)).map(drop),
                }
            };
            show().map_err(|e| Error::new(Kind::Authentication, format!("the prompt failed: {}", describe(py, &e))))
        });
        shown.unwrap_or_else(|| Err(Error::closed()))
    }
}
