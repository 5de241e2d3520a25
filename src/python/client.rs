//! The client's verbs, each once sync and once async over the same body.

use super::{
    bridge,
    convert::{self, Options, to_python},
    credential::PyCredential,
    errors::{lift, raise},
    exports::{PyExport, PyExportRows},
    frame::PyFrame,
    runtime,
    sandbox::PySandbox,
    table::{PyHuntStream, PyTable},
    tape::PyDeck,
};
use crate::{
    argument,
    auth::Account,
    client::{Body, CallOptions, Client, Downloaded, Identity, Pages, Raw},
    clock::VirtualClock,
    error::{Error, Result, listed},
    files::Format,
    hunt::{Api, Hunted, Part, Query, Window},
    json::{Object, Value},
    ops::model::{Operation, Service},
    pipeline::quota::Limits,
    request,
    rows::Frame,
    settings::{CredentialChoice, Settings, call_seconds, process_environment},
};
use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyList},
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

const WAIT: f64 = 600.0;

/// The native client. Use `xdrkit.Client` or `xdrkit.AsyncClient`.
#[pyclass(frozen, name = "Client", module = "xdrkit._core")]
pub(super) struct PyClient(Client);

#[pymethods]
impl PyClient {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyClient> {
        let settings = settings(py, options)?;
        // Reading certificates takes a while.
        let built = py.detach(|| settings.build(&process_environment));
        lift(py, built).map(PyClient)
    }

    #[pyo3(signature = (operation, arguments, options=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        arguments: &Bound<'py, PyDict>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = self.calling(py, operation, arguments, options)?;
        to_python(py, &runtime::wait_small(py, work)?)
    }

    #[pyo3(signature = (operation, arguments, options=None))]
    fn call_async<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        arguments: &Bound<'py, PyDict>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.calling(py, operation, arguments, options)?, value)
    }

    fn request<'py>(&self, py: Python<'py>, method: &str, path: &str, options: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let body = runtime::wait_small(py, self.requesting(py, method, path, options)?)?;
        raw_body(py, body)
    }

    fn request_async<'py>(&self, py: Python<'py>, method: &str, path: &str, options: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.requesting(py, method, path, options)?, |py, body| raw_body(py, body).map(Bound::unbind))
    }

    #[pyo3(signature = (operation, arguments, options=None))]
    fn pages(
        &self,
        py: Python<'_>,
        operation: &str,
        arguments: &Bound<'_, PyDict>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PageCursor> {
        let (op, arguments) = call_parts(py, operation, arguments)?;
        let mut options = Options::new(options)?;
        let (page_size, call) = (options.count("page_size")?, call_options(&mut options)?);
        lift(py, options.end(false))?;
        lift(py, self.0.pages(op, &arguments, page_size, call)).map(PageCursor)
    }

    /// The request that a call would send, as a dict. Nothing is sent.
    fn preview<'py>(&self, py: Python<'py>, operation: &str, arguments: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let (op, arguments) = call_parts(py, operation, arguments)?;
        to_python(py, &lift(py, self.0.preview(op, &arguments))?)
    }

    /// One call for each dict of arguments; gives a list with the answer of each, or its exception.
    #[pyo3(signature = (operation, arguments, concurrency=8, options=None))]
    fn call_many<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        arguments: Vec<Bound<'py, PyDict>>,
        concurrency: usize,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = self.calling_many(py, operation, &arguments, concurrency, options)?;
        outcomes(py, runtime::wait(py, work)?)
    }

    #[pyo3(signature = (operation, arguments, concurrency=8, options=None))]
    fn call_many_async<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        arguments: Vec<Bound<'py, PyDict>>,
        concurrency: usize,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = self.calling_many(py, operation, &arguments, concurrency, options)?;
        bridge::future(py, work, |py, all| outcomes(py, all).map(Bound::unbind))
    }

    #[pyo3(signature = (operation, arguments, name, content, options=None))]
    fn upload<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        arguments: &Bound<'py, PyDict>,
        name: String,
        content: Vec<u8>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &runtime::wait(py, self.uploading(py, operation, arguments, name, content, options)?)?)
    }

    #[pyo3(signature = (operation, arguments, name, content, options=None))]
    fn upload_async<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        arguments: &Bound<'py, PyDict>,
        name: String,
        content: Vec<u8>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.uploading(py, operation, arguments, name, content, options)?, value)
    }

    /// Saves what a link leads to, without a token; gives `path`, `bytes` and `sha256`.
    #[pyo3(signature = (url, path, options=None))]
    fn download<'py>(
        &self,
        py: Python<'py>,
        url: String,
        path: PathBuf,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        downloaded(py, runtime::wait(py, self.downloading(py, url, path, options)?)?)
    }

    #[pyo3(signature = (url, path, options=None))]
    fn download_async<'py>(
        &self,
        py: Python<'py>,
        url: String,
        path: PathBuf,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.downloading(py, url, path, options)?, |py, file| downloaded(py, file).map(Bound::unbind))
    }

    /// Prepares an export via files.
    #[pyo3(signature = (name, to, options=None))]
    fn export(&self, py: Python<'_>, name: String, to: PathBuf, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyExport> {
        PyExport::new(&self.0, py, name, to, options)
    }

    /// Prepares a walk over the rows of an export via files.
    #[pyo3(signature = (name, options=None))]
    fn export_rows(&self, py: Python<'_>, name: &str, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyExportRows> {
        PyExportRows::new(&self.0, py, name, options)
    }

    /// Waits on the client's clock.
    fn sleep(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        runtime::wait(py, self.sleeping(py, seconds)?)
    }

    fn sleep_async<'py>(&self, py: Python<'py>, seconds: f64) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.sleeping(py, seconds)?, |py, ()| Ok(py.None()))
    }

    /// Seconds since 1970 on the client's clock.
    fn now(&self) -> f64 {
        self.0.now()
    }

    fn hunt(&self, py: Python<'_>, query: &Bound<'_, PyAny>, options: &Bound<'_, PyDict>) -> PyResult<PyTable> {
        runtime::wait(py, self.hunting(py, query, options)?).map(PyTable::new)
    }

    fn hunt_async<'py>(&self, py: Python<'py>, query: &Bound<'py, PyAny>, options: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.hunting(py, query, options)?, |py, hunted| Ok(Py::new(py, PyTable::new(hunted))?.into_any()))
    }

    /// Several hunts; gives a list with the table of each, or its exception.
    fn hunt_many<'py>(
        &self,
        py: Python<'py>,
        queries: Vec<(Bound<'py, PyAny>, Bound<'py, PyDict>)>,
        concurrency: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = self.hunting_many(py, queries, concurrency)?;
        tables(py, runtime::wait(py, work)?)
    }

    fn hunt_many_async<'py>(
        &self,
        py: Python<'py>,
        queries: Vec<(Bound<'py, PyAny>, Bound<'py, PyDict>)>,
        concurrency: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.hunting_many(py, queries, concurrency)?, |py, all| tables(py, all).map(Bound::unbind))
    }

    /// A hunt whose rows come in batches while its answer arrives.
    fn hunt_stream(
        &self,
        py: Python<'_>,
        query: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        batch_rows: usize,
    ) -> PyResult<PyHuntStream> {
        let (query, call) = hunt_parts(py, query, options)?;
        lift(py, self.0.hunt_stream(query, call, batch_rows)).map(|stream| PyHuntStream(Arc::new(stream)))
    }

    fn wait_action<'py>(&self, py: Python<'py>, id: &str, options: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &runtime::wait(py, self.waiting(py, id, options)?)?)
    }

    fn wait_action_async<'py>(&self, py: Python<'py>, id: &str, options: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.waiting(py, id, options)?, value)
    }

    fn whoami<'py>(&self, py: Python<'py>, service: &str) -> PyResult<Bound<'py, PyAny>> {
        identity(py, runtime::wait(py, self.identifying(py, service)?)?)
    }

    fn whoami_async<'py>(&self, py: Python<'py>, service: &str) -> PyResult<Bound<'py, PyAny>> {
        bridge::future(py, self.identifying(py, service)?, |py, found| identity(py, found).map(Bound::unbind))
    }

    fn require(&self, py: Python<'_>, permissions: Vec<String>) -> PyResult<()> {
        let client = self.0.clone();
        runtime::wait(py, async move { client.require(&permissions).await })
    }

    fn require_async<'py>(&self, py: Python<'py>, permissions: Vec<String>) -> PyResult<Bound<'py, PyAny>> {
        let client = self.0.clone();
        bridge::future(py, async move { client.require(&permissions).await }, |py, ()| Ok(py.None()))
    }

    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let client = self.0.clone();
        accounts(py, &runtime::wait(py, async move { client.accounts().await })?)
    }

    fn accounts_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let client = self.0.clone();
        bridge::future(py, async move { client.accounts().await }, |py, found| accounts(py, &found).map(Bound::unbind))
    }

    #[pyo3(signature = (account=None))]
    fn sign_out(&self, py: Python<'_>, account: Option<String>) -> PyResult<usize> {
        let client = self.0.clone();
        runtime::wait(py, async move { client.sign_out(account.as_deref()).await })
    }

    #[pyo3(signature = (account=None))]
    fn sign_out_async<'py>(&self, py: Python<'py>, account: Option<String>) -> PyResult<Bound<'py, PyAny>> {
        let client = self.0.clone();
        bridge::future(py, async move { client.sign_out(account.as_deref()).await }, |py, n| Ok(n.into_pyobject(py)?.into_any().unbind()))
    }

    fn for_tenant(&self, py: Python<'_>, tenant_id: &str) -> PyResult<PyClient> {
        lift(py, self.0.for_tenant(tenant_id)).map(PyClient)
    }

    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<PyClient> {
        let mut options = Options::new(Some(options))?;
        let call = call_options(&mut options)?;
        lift(py, options.end(false))?;
        lift(py, self.0.with_options(call)).map(PyClient)
    }

    fn close(&self) {
        self.0.close();
    }

    #[getter]
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        for (name, number) in self.0.stats() {
            let whole = name != "throttled_seconds";
            if whole { stats.set_item(name, number as u64)? } else { stats.set_item(name, number)? }
        }
        Ok(stats)
    }

    /// What is known of the quotas: those of hunting, and all others that were used.
    fn quota<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for (service, name, view) in self.0.quotas() {
            let one = PyDict::new(py);
            one.set_item("service", service.name())?;
            one.set_item("name", name)?;
            one.set_item("per_minute", view.per_minute)?;
            one.set_item("per_hour", view.per_hour)?;
            one.set_item("used_minute", view.used_minute)?;
            one.set_item("used_hour", view.used_hour)?;
            one.set_item("free_now", view.free_now)?;
            one.set_item("next_free_in", view.next_free_in.as_secs_f64())?;
            one.set_item("waiting", view.waiting)?;
            one.set_item("closed_for", view.closed_for.as_secs_f64())?;
            one.set_item("run_time_used_hour", view.run_time_used_hour)?;
            one.set_item("run_time_used_day", view.run_time_used_day)?;
            list.append(one)?;
        }
        Ok(list)
    }

    /// Seconds from now on until the last of so many further hunts may begin. `service`: also "auto".
    fn quota_plan(&self, py: Python<'_>, service: &str, calls: usize) -> PyResult<f64> {
        let service = if service == "auto" { None } else { Some(lift(py, named_service(service))?) };
        lift(py, self.0.plan_hunts(service, calls)).map(|time| time.as_secs_f64())
    }

    #[getter]
    fn tenant_id(&self) -> Option<String> {
        self.0.tenant_id()
    }

    #[getter]
    fn client_id(&self) -> Option<String> {
        self.0.client_id()
    }

    #[getter]
    fn cloud(&self) -> &'static str {
        self.0.cloud()
    }

    #[getter]
    fn base_urls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let urls = PyDict::new(py);
        for service in Service::ALL {
            urls.set_item(service.name(), self.0.base(service).as_str().trim_end_matches('/'))?;
        }
        Ok(urls)
    }
}

impl PyClient {
    fn calling(
        &self,
        py: Python<'_>,
        operation: &str,
        arguments: &Bound<'_, PyDict>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<impl Future<Output = Result<Value>> + Send + use<>> {
        let (op, arguments) = call_parts(py, operation, arguments)?;
        let mut options = Options::new(options)?;
        let call = call_options(&mut options)?;
        lift(py, options.end(false))?;
        let client = self.0.clone();
        Ok(async move { client.call(op, &arguments, call).await })
    }

    fn calling_many(
        &self,
        py: Python<'_>,
        operation: &str,
        arguments: &[Bound<'_, PyDict>],
        concurrency: usize,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<impl Future<Output = Result<Vec<Result<Value>>>> + Send + use<>> {
        let op = lift(py, request::operation(operation))?;
        let arguments = arguments.iter().map(|a| lift(py, convert::arguments(a))).collect::<PyResult<Vec<_>>>()?;
        if let Some(first) = arguments.first() {
            warn_of_unknown(py, op, first)?;
        }
        let mut options = Options::new(options)?;
        let call = call_options(&mut options)?;
        lift(py, options.end(false))?;
        let client = self.0.clone();
        Ok(async move { Ok(client.call_many(op, arguments, concurrency, call).await) })
    }

    fn uploading(
        &self,
        py: Python<'_>,
        operation: &str,
        arguments: &Bound<'_, PyDict>,
        name: String,
        content: Vec<u8>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<impl Future<Output = Result<Value>> + Send + use<>> {
        let (op, arguments) = call_parts(py, operation, arguments)?;
        let mut options = Options::new(options)?;
        let call = call_options(&mut options)?;
        lift(py, options.end(false))?;
        let client = self.0.clone();
        Ok(async move { client.upload(op, &arguments, &name, &content, call).await })
    }

    fn downloading(
        &self,
        py: Python<'_>,
        url: String,
        path: PathBuf,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<impl Future<Output = Result<Downloaded>> + Send + use<>> {
        let mut options = Options::new(options)?;
        let call = call_options(&mut options)?;
        lift(py, options.end(false))?;
        let client = self.0.clone();
        Ok(async move { client.download(&url, &path, call).await })
    }

    fn sleeping(&self, py: Python<'_>, seconds: f64) -> PyResult<impl Future<Output = Result<()>> + Send + use<>> {
        let time = Duration::try_from_secs_f64(seconds).map_err(|e| raise(py, Error::argument("seconds", e)))?;
        let client = self.0.clone();
        Ok(async move { client.sleep(time).await })
    }

    fn requesting(
        &self,
        py: Python<'_>,
        method: &str,
        path: &str,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<impl Future<Output = Result<Body>> + Send + use<>> {
        let mut options = Options::new(Some(options))?;
        let service = options.text("service")?.unwrap_or_else(|| Service::Endpoint.name().to_owned());
        let service = lift(py, named_service(&service))?;
        let json = options.object("json")?.map(|v| lift(py, convert::from_python(&v, "json"))).transpose()?;
        let (params, headers) = (options.pairs("params")?, options.pairs("headers")?);
        let call = call_options(&mut options)?;
        lift(py, options.end(false))?;
        let raw = Raw { method: method.to_owned(), path: path.to_owned(), params, json, headers };
        let client = self.0.clone();
        Ok(async move { client.request(service, raw, call).await })
    }

    fn hunting(
        &self,
        py: Python<'_>,
        query: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<impl Future<Output = Result<Hunted>> + Send + use<>> {
        let (query, call) = hunt_parts(py, query, options)?;
        let client = self.0.clone();
        Ok(async move { client.hunt(query, call).await })
    }

    fn hunting_many(
        &self,
        py: Python<'_>,
        queries: Vec<(Bound<'_, PyAny>, Bound<'_, PyDict>)>,
        concurrency: usize,
    ) -> PyResult<impl Future<Output = Result<Vec<Result<Hunted>>>> + Send + use<>> {
        let queries = queries.iter().map(|(query, options)| hunt_parts(py, query, options)).collect::<PyResult<Vec<_>>>()?;
        let client = self.0.clone();
        Ok(async move { Ok(client.hunt_many(queries, concurrency).await) })
    }

    fn waiting(
        &self,
        py: Python<'_>,
        id: &str,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<impl Future<Output = Result<Value>> + Send + use<>> {
        let mut options = Options::new(Some(options))?;
        let timeout = lift(py, call_seconds("timeout", Some(options.seconds("timeout")?.unwrap_or(WAIT))))?.unwrap_or(Duration::MAX);
        let poll = options.seconds("poll")?;
        let poll = lift(py, call_seconds("poll", poll))?;
        lift(py, options.end(false))?;
        let (client, id) = (self.0.clone(), id.to_owned());
        Ok(async move { client.wait_action(&id, timeout, poll).await })
    }

    fn identifying(&self, py: Python<'_>, service: &str) -> PyResult<impl Future<Output = Result<Identity>> + Send + use<>> {
        let service = lift(py, named_service(service))?;
        let client = self.0.clone();
        Ok(async move { client.whoami(service).await })
    }
}

/// A walk through a list.
#[pyclass(frozen, module = "xdrkit._core")]
pub(super) struct PageCursor(Pages);

#[pymethods]
impl PageCursor {
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let pages = self.0.clone();
        let page = runtime::wait(py, async move { pages.next().await })?;
        to_python(py, &page.into())
    }

    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let pages = self.0.clone();
        bridge::future(py, async move { pages.next().await }, |py, page| value(py, page.into()))
    }

    /// The next page as typed columns.
    fn next_frame(&self, py: Python<'_>) -> PyResult<Option<PyFrame>> {
        let pages = self.0.clone();
        let page = runtime::wait(py, async move { pages.next().await })?;
        Ok(page.map(|rows| PyFrame::page(Frame::new(self.0.operation()), rows)))
    }

    fn next_frame_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (pages, op) = (self.0.clone(), self.0.operation());
        bridge::future(py, async move { pages.next().await }, move |py, page| match page {
            Some(rows) => Ok(Py::new(py, PyFrame::page(Frame::new(op), rows))?.into_any()),
            None => Ok(py.None()),
        })
    }

    /// Writes the pages that are left to a file, one at a time.
    fn write(&self, py: Python<'_>, path: PathBuf, format: &str) -> PyResult<()> {
        let (pages, format) = (self.0.clone(), lift(py, Format::from_name(format))?);
        runtime::wait(py, async move { pages.write(path, format).await })
    }

    fn write_async<'py>(&self, py: Python<'py>, path: PathBuf, format: &str) -> PyResult<Bound<'py, PyAny>> {
        let (pages, format) = (self.0.clone(), lift(py, Format::from_name(format))?);
        bridge::future(py, async move { pages.write(path, format).await }, |py, ()| Ok(py.None()))
    }
}

fn accounts<'py>(py: Python<'py>, found: &[Account]) -> PyResult<Bound<'py, PyAny>> {
    let dicts = found.iter().map(|a| super::credential::account(py, a)).collect::<PyResult<Vec<_>>>()?;
    Ok(dicts.into_pyobject(py)?.into_any())
}

fn downloaded(py: Python<'_>, file: Downloaded) -> PyResult<Bound<'_, PyAny>> {
    let facts = PyDict::new(py);
    facts.set_item("path", file.path)?;
    facts.set_item("bytes", file.bytes)?;
    facts.set_item("sha256", file.sha256)?;
    Ok(facts.into_any())
}

fn value(py: Python<'_>, value: Value) -> PyResult<Py<PyAny>> {
    to_python(py, &value).map(Bound::unbind)
}

fn raw_body(py: Python<'_>, body: Body) -> PyResult<Bound<'_, PyAny>> {
    match body {
        Body::Json(value) => to_python(py, &value),
        Body::Bytes(bytes) => Ok(convert::bytes(py, &bytes)),
    }
}

fn call_parts(py: Python<'_>, operation: &str, arguments: &Bound<'_, PyDict>) -> PyResult<(&'static Operation, Object)> {
    let op = lift(py, request::operation(operation))?;
    let arguments = lift(py, convert::arguments(arguments))?;
    warn_of_unknown(py, op, &arguments)?;
    Ok((op, arguments))
}

/// A member that the declaration does not know may be new, or a mistake: it is passed on, and said.
fn warn_of_unknown(py: Python<'_>, op: &'static Operation, arguments: &Object) -> PyResult<()> {
    for (name, given, known) in argument::unknown_members(op, arguments) {
        let text = format!("{name}: {given:?} is passed on, but it is not among the known: {}", listed(known));
        py.import("xdrkit._resources")?.call_method1("warn_of_unknown_member", (text,))?;
    }
    Ok(())
}

/// The answer of each call, or its exception as an object.
fn hunt_parts(py: Python<'_>, query: &Bound<'_, PyAny>, options: &Bound<'_, PyDict>) -> PyResult<(Query, CallOptions)> {
    let query = query.extract::<String>().map_err(|_| raise(py, Error::argument("query", "takes KQL text")))?;
    let mut options = Options::new(Some(options))?;
    let (since, until, timespan) = (options.text("since")?, options.text("until")?, options.text("timespan")?);
    let window = lift(py, Window::new(since.as_deref(), until.as_deref(), timespan.as_deref()))?;
    let api = options.text("api")?.map(|name| lift(py, Api::from_name(&name))).transpose()?.unwrap_or_default();
    let call = call_options(&mut options)?;
    let exact = options.flag("exact")?;
    let part = options.object("part")?.map(|part| -> PyResult<Part> {
        let (column, of, index) = part.extract::<(String, u32, u32)>()?;
        lift(py, Part::new(&column, of, index))
    });
    let part = part.transpose()?;
    lift(py, options.end(false))?;
    let query = Query { text: query, window, api, exact, part };
    lift(py, query.check())?;
    Ok((query, call))
}

fn tables<'py>(py: Python<'py>, outcomes: Vec<Result<Hunted>>) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for outcome in outcomes {
        match outcome {
            Ok(hunted) => list.append(Py::new(py, PyTable::new(hunted))?)?,
            Err(error) => list.append(raise(py, error).into_value(py))?,
        }
    }
    Ok(list.into_any())
}

fn outcomes(py: Python<'_>, all: Vec<Result<Value>>) -> PyResult<Bound<'_, PyAny>> {
    let list = pyo3::types::PyList::empty(py);
    for outcome in all {
        match outcome {
            Ok(value) => list.append(to_python(py, &value)?)?,
            Err(error) => list.append(raise(py, error).into_value(py))?,
        }
    }
    Ok(list.into_any())
}

fn call_options(options: &mut Options<'_>) -> PyResult<CallOptions> {
    Ok(CallOptions {
        timeout: options.seconds("timeout")?,
        deadline: options.seconds("deadline")?,
        max_retries: options.count("max_retries")?,
    })
}

fn named_service(name: &str) -> Result<Service> {
    Service::from_name(name)
        .ok_or_else(|| Error::argument("service", format!("{name:?} is not allowed; it is \"endpoint\", \"xdr\" or \"graph\"")))
}

fn identity(py: Python<'_>, found: Identity) -> PyResult<Bound<'_, PyAny>> {
    let known = found.claims.is_some();
    let claims = found.claims.unwrap_or_default();
    let kind = match (known, claims.delegated || claims.user.is_some()) {
        (false, _) => "unknown",
        (true, true) => "user",
        (true, false) => "app",
    };
    let all = PyDict::new(py);
    all.set_item("kind", kind)?;
    all.set_item("tenant_id", claims.tenant)?;
    all.set_item("client_id", claims.client_id)?;
    all.set_item("app_name", claims.app_name)?;
    all.set_item("user", claims.user)?;
    all.set_item("permissions", claims.permissions)?;
    all.set_item("audience", if known { claims.audience } else { found.audience })?;
    all.set_item("credential", found.credential)?;
    all.set_item("expires_on", found.expires_on)?;
    Ok(all.into_any())
}

/// Which quotas a client keeps.
fn limits(given: &Bound<'_, PyAny>) -> PyResult<Limits> {
    let wrong = || {
        let message = "is \"documented\", \"off\", or a dict from a quota's name to its calls a minute, such as {\"hunting\": 100}";
        raise(given.py(), Error::setting("limits", message))
    };
    if let Ok(own) = given.cast::<PyDict>() {
        let calls = |value: &Bound<'_, PyAny>| if value.is_instance_of::<PyBool>() { None } else { value.extract::<u32>().ok() };
        let pair = |(name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| Some((name.extract::<String>().ok()?, calls(&value)?));
        let own = own.iter().map(pair).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        return lift(given.py(), Limits::own(&own));
    }
    match (given.extract::<bool>(), given.extract::<String>().as_deref()) {
        (Ok(true), _) | (_, Ok("documented")) => Ok(Limits::Documented),
        (Ok(false), _) | (_, Ok("off")) => Ok(Limits::Off),
        _ => Err(wrong()),
    }
}

fn settings(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Settings> {
    let mut options = Options::new(options)?;
    if let Some(level) = options.object("log")? {
        py.import("xdrkit._log")?.call_method1("enable", (level,))?;
    }
    let mut settings = Settings {
        choice: super::choice::of_client(&mut options)?,
        cloud: options.text("cloud")?,
        region: options.text("region")?,
        audiences: options.pairs("audience")?,
        timeout: options.seconds("timeout")?,
        deadline: options.seconds("deadline")?,
        max_retries: options.count("max_retries")?,
        ca_bundle: options.text("ca_bundle")?,
        proxy: options.text("proxy")?,
        user_agent: options.text("user_agent")?,
        poll_interval: options.seconds("poll_interval")?,
        ..Settings::default()
    };
    if let Some(url) = options.object("base_url")? {
        match url.extract::<String>() {
            Ok(one) => settings.base_url = Some(one),
            Err(_) => {
                settings.base_urls = url
                    .extract::<std::collections::BTreeMap<String, String>>()
                    .map(|m| m.into_iter().collect())
                    .map_err(|_| raise(py, Error::setting("base_url", "is one URL, or a dict from service to URL")))?
            }
        }
    }
    if let Some(given) = options.object("credential")? {
        settings.credential = match given.extract::<String>() {
            Ok(name) => CredentialChoice::Named(name),
            Err(_) => CredentialChoice::Ready(PyCredential::tokens_of(&given)?),
        };
    }
    if let Some(given) = options.object("limits")? {
        settings.limits = limits(&given)?;
    }
    // For tests: waits pass at once, and the calendar with them; a sandbox's passes with its clients' waits.
    if let Some(given) = options.object("_virtual_clock")? {
        settings.clock = match given.cast::<PySandbox>() {
            Ok(sandbox) => Some(sandbox.get().clock() as Arc<_>),
            Err(_) => match given.extract::<f64>().ok().filter(|_| !given.is_instance_of::<PyBool>()) {
                Some(start) => Some(VirtualClock::at(UNIX_EPOCH + Duration::from_secs_f64(start.clamp(0.0, 1e11))) as Arc<_>),
                None => given.is_truthy()?.then(|| VirtualClock::shared() as Arc<_>),
            },
        };
    }
    settings.tape = options.object("_tape")?.map(|deck| Arc::new(PyDeck(deck.unbind())) as Arc<_>);
    lift(py, options.end(true))?;
    Ok(settings)
}
