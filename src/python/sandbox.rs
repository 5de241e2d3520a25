//! The sandbox, to start and to play with.

use super::{
    clock::SandboxClock,
    convert::{Options, from_python, to_python},
    errors::lift,
};
use crate::{
    error::{Error, did_you_mean},
    json::Value,
    sandbox::{self, ExpiresOn, Fault, GraphLinks, Platform, seed::Kind},
};
use pyo3::{
    prelude::*,
    types::{IntoPyDict, PyDict, PyList},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The native sandbox. Use `xdrkit.sandbox()`.
#[pyclass(frozen, name = "Sandbox", module = "xdrkit._core")]
pub(super) struct PySandbox {
    sandbox: Mutex<sandbox::Sandbox>,
    clock: Arc<SandboxClock>,
}

#[pymethods]
impl PySandbox {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<PySandbox> {
        let mut options = Options::new(options)?;
        let port = options.count("port")?.unwrap_or(0);
        let links = options.text("graph_links")?.unwrap_or_else(|| "token".to_owned());
        let graph_links = GraphLinks::parse(&links).ok_or_else(|| {
            super::errors::raise(py, Error::argument("graph_links", format!("{links:?} is not allowed; it is \"token\" or \"skip\"")))
        })?;
        let wanted = sandbox::Options {
            port: u16::try_from(port)
                .map_err(|_| super::errors::raise(py, Error::argument("port", format!("{port} is no port; it is 0 to 65535"))))?,
            now: options.object("now")?.map(|v| v.extract()).transpose()?,
            seed: options.object("seed")?.map(|v| v.extract()).transpose()?.unwrap_or(0),
            world: options
                .text("world")?
                .map(|name| {
                    Kind::parse(&name).ok_or_else(|| {
                        let guess = did_you_mean(&name, Kind::NAMES);
                        let message = format!("{name:?} is not allowed; it is \"intrusion\", \"empty\" or \"large\", or a file.{guess}");
                        super::errors::raise(py, Error::argument("world", message))
                    })
                })
                .transpose()?
                .unwrap_or_default(),
            document: options.text("document")?.map(|text| super::sandbox_data::read(py, "world", &text)).transpose()?,
            engine: super::sandbox_data::engine(py, options.object("engine")?)?,
            machines: options.count("machines")?.map(|n| n as usize),
            days: options.count("days")?.map_or(30, i64::from),
            auto_approve: options.object("auto_approve")?.map(|v| v.is_truthy()).transpose()?.unwrap_or(true),
            permissions: options.object("permissions")?.map(|v| v.extract()).transpose()?,
            page_size: options.count("page_size")?.map(|n| n as usize),
            tls: options.flag("tls")?,
            token_lifetime: options.count("token_lifetime")?,
            refresh_in: options.count("refresh_in")?,
            rotate_strictly: options.flag("rotate_strictly")?,
            strict_assertions: options.flag("strict_assertions")?,
            public_flows: options.object("public_flows")?.map(|v| v.is_truthy()).transpose()?.unwrap_or(true),
            mfa_users: options.object("mfa_users")?.map(|v| v.extract()).transpose()?.unwrap_or_default(),
            federated_domain: options.text("federated_domain")?,
            record_forms: options.flag("record_forms")?,
            export_rows: options.count("export_rows")?.map(u64::from),
            older_alerts: options.count("older_alerts")?.unwrap_or(0) as usize,
            graph_links,
            expand_fails: options.flag("expand_fails")?,
            quotas: options.flag("quotas")?,
            quirks: quirks(py, options.object("quirks")?.as_ref())?,
            limits: limits(py, sandbox::Limits::default(), options.object("limits")?.as_ref())?,
        };
        lift(py, options.end(false))?;
        if let Some((argument, message)) = wanted.plan().refusal() {
            return Err(super::errors::raise(py, Error::argument(argument, message)));
        }
        let started = py.detach(|| sandbox::Sandbox::start(wanted));
        match started {
            Ok(running) => {
                let clock = SandboxClock::of(running.time());
                let made = PySandbox { sandbox: Mutex::new(running), clock };
                made.forget_quotas();
                Ok(made)
            }
            Err(e) if e.kind() == std::io::ErrorKind::InvalidInput => {
                let message = e.to_string();
                if message.starts_with("world") {
                    return Err(super::sandbox_data::refused(py, &message));
                }
                Err(super::errors::raise(py, Error::argument("permissions", message)))
            }
            Err(e) => Err(e.into()),
        }
    }

    #[getter]
    fn url(&self) -> String {
        self.inner().url().to_owned()
    }

    #[getter]
    fn http_url(&self) -> String {
        self.inner().http_url().to_owned()
    }

    #[getter]
    fn ca_file(&self) -> Option<String> {
        self.inner().ca_file().map(str::to_owned)
    }

    #[getter]
    fn identity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let who = self.inner().identity();
        let all = PyDict::new(py);
        for (name, value) in [
            ("tenant_id", who.tenant_id),
            ("tenant_name", who.tenant_name),
            ("domain", who.domain),
            ("client_id", who.client_id),
            ("client_secret", who.client_secret),
            ("public_client_id", who.public_client_id),
            ("user", who.user),
            ("user_password", who.user_password),
            ("managed_client_id", who.managed_client_id),
            ("managed_object_id", who.managed_object_id),
            ("managed_resource_id", who.managed_resource_id),
        ] {
            all.set_item(name, value)?;
        }
        Ok(all)
    }

    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let records = self.inner().requests();
        PyList::new(py, records.iter().map(|record| to_python(py, &record.to_json())).collect::<PyResult<Vec<_>>>()?)
    }

    fn clear_requests(&self) {
        self.inner().clear_requests();
    }

    #[getter]
    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let limits = self.inner().limits();
        let all = PyDict::new(py);
        all.set_item("rows", limits.rows)?;
        all.set_item("bytes", limits.bytes)?;
        all.set_item("seconds", limits.seconds)?;
        all.set_item("days", limits.days)?;
        Ok(all)
    }

    fn set_limits(&self, py: Python<'_>, given: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = self.inner();
        let wanted = limits(py, inner.limits(), Some(given))?;
        inner.set_limits(wanted);
        Ok(())
    }

    fn quirks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let all: Vec<_> = self.inner().quirks().list().collect();
        PyList::new(py, all)
    }

    fn check_operation(&self, py: Python<'_>, pattern: &str) -> PyResult<()> {
        sandbox::known_operation(pattern).map_err(|message| super::errors::raise(py, Error::argument("operation", message)))
    }

    fn token_requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let records = self.inner().token_requests();
        let list = PyList::empty(py);
        for record in records {
            let one = PyDict::new(py);
            one.set_item("method", record.method)?;
            one.set_item("path", record.path)?;
            for (name, pairs) in [("query", record.query), ("headers", record.headers), ("form", record.form)] {
                one.set_item(name, pairs.into_py_dict(py)?)?;
            }
            list.append(one)?;
        }
        Ok(list)
    }

    fn register_certificate(&self, py: Python<'_>, pem: &str) -> PyResult<String> {
        let read = self.inner().register_certificate(pem);
        read.map_err(|e| super::errors::raise(py, Error::argument("certificate", e)))
    }

    fn federated_token(&self, subject: &str, audience: &str, lifetime: u32, trusted: bool) -> String {
        self.inner().federated_token(subject, audience, lifetime, trusted)
    }

    fn revoke_sessions(&self, refresh_tokens: bool) {
        self.inner().revoke_sessions(refresh_tokens);
    }

    fn require_mfa(&self, user: &str) -> bool {
        self.inner().require_mfa(user)
    }

    fn advance(&self, py: Python<'_>, time: &Bound<'_, PyAny>) -> PyResult<()> {
        let given = lift(py, from_python(time, "time"))?;
        self.inner().advance_by(&given).map_err(|message| super::errors::raise(py, Error::argument("time", message)))
    }

    fn managed_identity<'py>(&self, py: Python<'py>, platform: &str, expires_on: &str) -> PyResult<Bound<'py, PyDict>> {
        let wrong = |name: &'static str, given: &str, names: &[&'static str]| {
            let guess = did_you_mean(given, names.iter().copied());
            super::errors::raise(py, Error::argument(name, format!("{given:?} is not allowed; it is one of {}.{guess}", names.join(", "))))
        };
        let place = Platform::parse(platform).ok_or_else(|| wrong("platform", platform, &Platform::names()))?;
        let form = ExpiresOn::parse(expires_on).ok_or_else(|| wrong("expires_on", expires_on, &ExpiresOn::names()))?;
        self.inner().managed_identity(place, form).into_py_dict(py)
    }

    fn reset(&self) {
        self.inner().reset();
        self.forget_quotas();
    }

    #[getter]
    fn quotas(&self) -> bool {
        self.inner().keeps_quotas()
    }

    #[setter]
    fn set_quotas(&self, keep: bool) {
        self.inner().keep_quotas(keep);
    }

    #[getter]
    fn cpu_quota_used(&self) -> f64 {
        self.inner().cpu_quota_used()
    }

    #[setter]
    fn set_cpu_quota_used(&self, share: f64) {
        self.inner().use_cpu_quota(share);
    }

    #[getter]
    fn run_time_used(&self) -> f64 {
        self.inner().run_time_used()
    }

    fn use_run_time(&self, seconds: f64) {
        self.inner().use_run_time(seconds);
    }

    #[getter]
    fn execution_time(&self) -> Option<f64> {
        self.inner().execution_time()
    }

    #[setter]
    fn set_execution_time(&self, seconds: Option<f64>) {
        self.inner().set_execution_time(seconds);
    }

    #[pyo3(signature = (user_code, user=None))]
    fn approve(&self, user_code: &str, user: Option<&str>) -> bool {
        self.inner().approve(user_code, user)
    }

    fn deny(&self, user_code: &str) -> bool {
        self.inner().deny(user_code)
    }

    fn add_fault(&self, py: Python<'_>, described: &Bound<'_, PyAny>) -> PyResult<u64> {
        let described = lift(py, from_python(described, "fault"))?;
        let fault = Fault::from_json(&described).map_err(|w| super::errors::raise(py, Error::argument(&w.name, w.message)))?;
        Ok(self.inner().fault(fault))
    }

    fn faults<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let faults = self.inner().faults();
        to_python(py, &faults)
    }

    fn fault_used(&self, id: u64) -> Option<u32> {
        self.inner().fault_used(id)
    }

    fn remove_fault(&self, id: u64) -> bool {
        self.inner().remove_fault(id)
    }

    fn clear_faults(&self) {
        self.inner().clear_faults();
    }

    #[getter]
    fn fault_seed(&self) -> u64 {
        self.inner().fault_seed()
    }

    #[setter]
    fn set_fault_seed(&self, seed: u64) {
        self.inner().set_fault_seed(seed);
    }

    #[staticmethod]
    fn fault_presets<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        sandbox::presets().into_py_dict(py)
    }

    #[getter]
    fn now(&self) -> i64 {
        self.inner().now()
    }

    fn set_now(&self, py: Python<'_>, ticks: i64) -> PyResult<()> {
        self.inner().set_now(ticks).map_err(|message| super::errors::raise(py, Error::argument("moment", message)))
    }

    fn freeze(&self, still: bool) {
        self.inner().freeze(still);
    }

    #[getter]
    fn frozen(&self) -> bool {
        self.inner().is_frozen()
    }

    /// Puts something in or reads it: an action with JSON text, which is answered with JSON text.
    fn data(&self, py: Python<'_>, action: &str, given: &str) -> PyResult<String> {
        let given = super::sandbox_data::read(py, "data", given)?;
        let inlet = self.inner().inlet();
        let outcome = py.detach(|| inlet.apply(action, &given).map(|answer| answer.to_string()));
        outcome.map_err(|message| super::sandbox_data::refused(py, &message))
    }

    fn grant(&self, py: Python<'_>, permission: &str) -> PyResult<()> {
        if self.inner().grant(permission) {
            return Ok(());
        }
        Err(super::errors::raise(py, Error::argument("permission", format!("{permission:?} is no permission of any operation"))))
    }

    fn revoke(&self, permission: &str) {
        self.inner().revoke(permission);
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.inner().stop());
    }
}

impl PySandbox {
    fn inner(&self) -> MutexGuard<'_, sandbox::Sandbox> {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sandbox's time as a client's clock.
    pub(super) fn clock(&self) -> Arc<SandboxClock> {
        self.clock.clone()
    }

    /// What an earlier sandbox at this address said about waiting is not true any more.
    fn forget_quotas(&self) {
        let sandbox = self.inner();
        for url in [sandbox.url(), sandbox.http_url()] {
            crate::pipeline::quota::forget(url);
        }
    }
}

/// `"observed"`, `"documented"`, or single ones by name over what is observed.
fn quirks(py: Python<'_>, given: Option<&Bound<'_, PyAny>>) -> PyResult<sandbox::Quirks> {
    let refused = |message: String| super::errors::raise(py, Error::argument("quirks", message));
    let Some(given) = given else { return Ok(sandbox::Quirks::default()) };
    if let Ok(name) = given.extract::<String>() {
        return match name.as_str() {
            "observed" => Ok(sandbox::Quirks::default()),
            "documented" => Ok(sandbox::Quirks::DOCUMENTED),
            _ => {
                Err(refused(format!("{name:?} is not allowed; it is \"observed\", \"documented\" or a mapping of names to true or false")))
            }
        };
    }
    let Value::Object(members) = lift(py, from_python(given, "quirks"))? else {
        return Err(refused("must be \"observed\", \"documented\" or a mapping of names to true or false".to_owned()));
    };
    let mut quirks = sandbox::Quirks::default();
    for (name, value) in members {
        let on = value.as_bool().ok_or_else(|| refused(format!("{name} must be true or false")))?;
        quirks.set(&name, on).map_err(refused)?;
    }
    Ok(quirks)
}

/// The limits with what is given in their place; None: the services' own.
fn limits(py: Python<'_>, now: sandbox::Limits, given: Option<&Bound<'_, PyAny>>) -> PyResult<sandbox::Limits> {
    let Some(given) = given else { return Ok(now) };
    let refused = |message: String| super::errors::raise(py, Error::argument("limits", message));
    let Value::Object(members) = lift(py, from_python(given, "limits"))? else {
        return Err(refused("must be a mapping: rows, bytes, seconds, days".to_owned()));
    };
    let (mut limits, usual) = (now, sandbox::Limits::default());
    for (name, value) in members {
        let none = value.is_null();
        let whole = |least: i64| {
            let number = value.as_i64().filter(|n| *n >= least && i32::try_from(*n).is_ok());
            number.ok_or_else(|| refused(format!("{name}: {value} is not allowed; it is a whole number from {least} on")))
        };
        match name.as_str() {
            "rows" if none => limits.rows = usual.rows,
            "rows" => limits.rows = usize::try_from(whole(1)?).unwrap_or(usual.rows),
            "bytes" if none => limits.bytes = None,
            "bytes" => limits.bytes = usize::try_from(whole(1)?).ok(),
            "seconds" if none => limits.seconds = None,
            "seconds" => {
                let seconds = value.as_f64().filter(|s| *s > 0.0);
                limits.seconds = Some(seconds.ok_or_else(|| refused(format!("seconds: {value} is not allowed; it is a number above 0")))?);
            }
            "days" if none => limits.days = usual.days,
            "days" => limits.days = u32::try_from(whole(1)?).unwrap_or(usual.days).min(10_000),
            _ => return Err(refused(format!("{name:?} is no limit; there are rows, bytes, seconds, days"))),
        }
    }
    Ok(limits)
}
