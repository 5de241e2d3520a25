//! Credentials: ours as objects, anybody else's as they are, and the way to the person in front of them.

use super::{
    bridge::{self, call_python},
    convert::Options,
    errors::{lift, lower, raise},
    runtime::{self, on_main_thread},
};
use crate::{
    auth::{Account, Claims, Credential, DevicePrompt, Grant, Person, SignInPage, Token, Tokens, Unavailable, Wanted, Wire, kind_named},
    clock::{BoxFuture, epoch_seconds},
    error::{Error, Kind, Result},
    secret::Secret,
    settings::{CredentialChoice, Settings, process_environment},
};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyDict};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A credential with its token cache. Use the classes of `xdrkit.credentials`.
#[pyclass(frozen, name = "Credential", module = "xdrkit._core")]
pub(super) struct PyCredential {
    tokens: Arc<Tokens>,
    wire: Wire,
}

#[pymethods]
impl PyCredential {
    #[new]
    #[pyo3(signature = (kind, options=None))]
    fn new(py: Python<'_>, kind: &str, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyCredential> {
        let mut options = Options::new(options)?;
        let settings = Settings {
            credential: CredentialChoice::Named(kind.to_owned()),
            choice: super::choice::choice(&mut options)?,
            cloud: options.text("cloud")?,
            ca_bundle: options.path("ca_bundle")?,
            proxy: options.text("proxy")?,
            user_agent: options.text("user_agent")?,
            ..Settings::default()
        };
        lift(py, options.end(true))?;
        // Reading certificates takes a while, and so does asking which machine this is.
        let made = py.detach(|| {
            settings.credential(&process_environment).or_else(|e| match e.kind() {
                // What is not there is told when it is asked for: a chain goes on to the next.
                Kind::CredentialUnavailable => Ok((Tokens::new(Unavailable { kind: kind_named(kind), reason: e }), settings.wire()?)),
                _ => Err(e),
            })
        });
        let (tokens, wire) = lift(py, made)?;
        Ok(PyCredential { tokens, wire })
    }

    #[staticmethod]
    fn foreign(credential: &Bound<'_, PyAny>) -> PyResult<PyCredential> {
        let py = credential.py();
        Ok(PyCredential { tokens: PyCredential::tokens_of(credential)?, wire: lift(py, Settings::default().wire())? })
    }

    #[pyo3(signature = (scopes, claims=None, tenant_id=None, cae=false))]
    fn get_token(
        &self,
        py: Python<'_>,
        scopes: Vec<String>,
        claims: Option<String>,
        tenant_id: Option<&str>,
        cae: bool,
    ) -> PyResult<(String, i64, i64)> {
        let wanted = self.wanted(py, &scopes, claims, tenant_id, cae)?;
        if let Some(token) = self.tokens.cached(&self.wire, &wanted) {
            return Ok(shown(&token));
        }
        let (tokens, wire) = (self.tokens.clone(), self.wire.clone());
        runtime::wait(py, async move { tokens.get(&wire, &wanted).await }).map(|token| shown(&token))
    }

    /// What `get_token` would answer without asking anybody, if there is such a token.
    #[pyo3(signature = (scopes, claims=None, tenant_id=None, cae=false))]
    fn cached(
        &self,
        py: Python<'_>,
        scopes: Vec<String>,
        claims: Option<String>,
        tenant_id: Option<&str>,
        cae: bool,
    ) -> PyResult<Option<(String, i64, i64)>> {
        let wanted = self.wanted(py, &scopes, claims, tenant_id, cae)?;
        Ok(self.tokens.cached(&self.wire, &wanted).map(|token| shown(&token)))
    }

    #[pyo3(signature = (scopes, claims=None, tenant_id=None, cae=false))]
    fn get_token_async<'py>(
        &self,
        py: Python<'py>,
        scopes: Vec<String>,
        claims: Option<String>,
        tenant_id: Option<&str>,
        cae: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wanted = self.wanted(py, &scopes, claims, tenant_id, cae)?;
        let (tokens, wire) = (self.tokens.clone(), self.wire.clone());
        bridge::future(py, async move { tokens.get(&wire, &wanted).await }, |py, token| {
            Ok(shown(&token).into_pyobject(py)?.into_any().unbind())
        })
    }

    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let tokens = self.tokens.clone();
        let found = runtime::wait(py, async move {
            match tokens.credential().user() {
                Some(user) => user.accounts().await,
                None => Ok(Vec::new()),
            }
        })?;
        found.iter().map(|a| account(py, a)).collect()
    }

    #[getter]
    pub(super) fn kind(&self) -> &'static str {
        self.tokens.credential().kind()
    }

    #[getter]
    fn tenant_id(&self) -> Option<&str> {
        self.tokens.credential().tenant()
    }

    #[getter]
    fn client_id(&self) -> Option<&str> {
        self.tokens.credential().client_id()
    }

    #[getter]
    fn requests(&self) -> u64 {
        self.tokens.requests()
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
    fn wanted(&self, py: Python<'_>, scopes: &[String], claims: Option<String>, tenant_id: Option<&str>, cae: bool) -> PyResult<Wanted> {
        let wanted = lift(py, Wanted::scopes(scopes))?;
        let own = |t: &&str| self.tokens.credential().tenant().is_some_and(|own| own.eq_ignore_ascii_case(t));
        let tenant = tenant_id.filter(|t| !own(t)).map(str::to_ascii_lowercase);
        Ok(Wanted { claims, tenant, cae, ..wanted })
    }

    pub(super) fn tokens(&self) -> Arc<Tokens> {
        self.tokens.clone()
    }

    /// The tokens of one of ours, or new ones over somebody else's.
    pub(super) fn tokens_of(object: &Bound<'_, PyAny>) -> PyResult<Arc<Tokens>> {
        match object.cast::<PyCredential>() {
            Ok(ours) => Ok(ours.get().tokens.clone()),
            Err(_) => Ok(Tokens::boxed(Box::new(Foreign::new(object)?), vec!["*".to_owned()])),
        }
    }
}

fn shown(token: &Token) -> (String, i64, i64) {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    (token.secret.expose().to_owned(), seconds(token.expires_on), seconds(token.refresh_on))
}

/// An account as a dict.
pub(super) fn account<'py>(py: Python<'py>, account: &Account) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("username", &account.username)?;
    all.set_item("tenant_id", &account.tenant_id)?;
    all.set_item("home_account_id", &account.home_account_id)?;
    all.set_item("authority", &account.authority)?;
    all.set_item("client_id", &account.client_id)?;
    Ok(all)
}

/// Asks a Python object for tokens.
pub(super) struct Foreign {
    object: Py<PyAny>,
}

impl Foreign {
    pub(super) fn new(object: &Bound<'_, PyAny>) -> PyResult<Foreign> {
        let known = ["get_token", "get_token_info", "acquire_token_for_client", "acquire_token_silent"];
        let mut fits = object.is_callable();
        for name in known {
            fits = fits || object.hasattr(name)?;
        }
        if !fits {
            let kind = object.get_type().name()?;
            let error = Error::setting("credential", format!("{kind} has no get_token(*scopes) and is no callable"));
            return Err(raise(object.py(), error));
        }
        Ok(Foreign { object: object.clone().unbind() })
    }
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

    // It knows itself which tenants it may sign in to.
    fn takes_tenant(&self) -> bool {
        true
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let Some(object) = super::gate::attach(|py| self.object.clone_ref(py)) else { return Err(Error::closed()) };
            let asked = wanted.clone();
            let (token, expires_on, refresh_on) = call_python(move |py| ask(py, object.bind(py), &asked)).await?;
            let now = epoch_seconds(&*wire.clock);
            let token = Secret::new(token);
            let ends = expires_on.or_else(|| Claims::read(&token).and_then(|c| c.expires)).unwrap_or(now + 300);
            let until = |at: i64| Duration::from_secs(u64::try_from(at - now).unwrap_or(0));
            Ok(Grant { token, lifetime: until(ends), refresh_in: refresh_on.map(until) })
        })
    }
}

type Answer = (String, Option<i64>, Option<i64>);

fn ask(py: Python<'_>, object: &Bound<'_, PyAny>, wanted: &Wanted) -> Result<Answer> {
    let arguments = (object, &wanted.scopes, wanted.claims.as_deref(), wanted.tenant.as_deref(), wanted.cae, bridge::callers_loop(py));
    let asked = py.import("xdrkit._foreign").and_then(|m| m.call_method1("ask", arguments)).and_then(|a| a.extract());
    asked.map_err(|e| {
        let name = object.get_type().name().map_or_else(|_| "credential".to_owned(), |n| n.to_string());
        lower(py, &e, &format!("the credential {name} gave no token"))
    })
}

/// The person whom `xdrkit._prompts` knows how to reach, or callables of the user's.
#[derive(Default)]
pub(super) struct PyPerson {
    pub(super) show: Option<Py<PyAny>>,
    pub(super) open: Option<Py<PyAny>>,
    pub(super) paste: Option<Py<PyAny>>,
}

impl fmt::Debug for PyPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PyPerson")
    }
}

impl PyPerson {
    /// Calls the user's own function, or ours of that name.
    fn call<T: Send + 'static>(
        own: Option<&Py<PyAny>>,
        name: &'static str,
        facts: impl FnOnce(Python<'_>) -> PyResult<Py<PyDict>> + Send + 'static,
        read: impl FnOnce(Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T> {
        let own = own.map(|o| super::gate::attach(|py| o.clone_ref(py)).ok_or_else(Error::closed)).transpose()?;
        on_main_thread(move |py| {
            let answer = py.import("xdrkit._prompts")?.call_method1(name, (facts(py)?, own))?;
            read(answer)
        })
    }
}

impl Person for PyPerson {
    fn show_code(&self, prompt: &DevicePrompt) -> Result<()> {
        let prompt = prompt.clone();
        let facts = move |py: Python<'_>| {
            let facts = PyDict::new(py);
            facts.set_item("message", &prompt.message)?;
            facts.set_item("user_code", &prompt.user_code)?;
            facts.set_item("verification_uri", &prompt.verification_uri)?;
            facts.set_item("expires_in", prompt.expires_in.as_secs())?;
            Ok(facts.unbind())
        };
        PyPerson::call(self.show.as_ref(), "show_code", facts, |_| Ok(()))
    }

    fn open(&self, page: &SignInPage) -> Result<bool> {
        PyPerson::call(self.open.as_ref(), "open_page", of_page(page), |answer| answer.is_truthy())
    }

    fn paste(&self, page: &SignInPage) -> Result<Secret> {
        PyPerson::call(self.paste.as_ref(), "paste", of_page(page), |answer| answer.extract().map(|text: String| Secret::new(text)))
    }
}

fn of_page(page: &SignInPage) -> impl FnOnce(Python<'_>) -> PyResult<Py<PyDict>> + Send + 'static {
    let page = page.clone();
    move |py| {
        let facts = PyDict::new(py);
        facts.set_item("url", &page.url)?;
        facts.set_item("redirect_uri", &page.redirect_uri)?;
        facts.set_item("note", page.note.as_deref())?;
        Ok(facts.unbind())
    }
}

/// Opens a page with this system's own opener. False: nothing was opened.
#[pyfunction]
pub(super) fn open_page(py: Python<'_>, url: &str) -> bool {
    py.detach(|| crate::auth::open_page(url))
}
