//! What a credential can be told, out of a dict of options.

use super::{
    convert::Options,
    credential::{Foreign, PyCredential, PyPerson},
    errors::raise,
};
use crate::{
    auth::{Ask, AssertionSource, Choice, Credential, Key, Remember, StoreOptions, Through, Wire},
    clock::BoxFuture,
    error::{Error, Result},
    secret::{Secret, SecretBytes},
};
use pyo3::{prelude::*, types::PyDict};
use std::{fmt, sync::Arc};

/// What a client may be told about signing in: the rest is for a credential object.
pub(super) fn of_client(options: &mut Options<'_>) -> PyResult<Choice> {
    Ok(Choice {
        tenant_id: options.text("tenant_id")?,
        client_id: options.text("client_id")?,
        client_secret: options.secret("client_secret")?,
        authority: options.text("authority")?,
        trust_authority: options.flag("trust_authority")?,
        additionally_allowed_tenants: options.texts("additionally_allowed_tenants")?,
        login_hint: options.text("login_hint")?,
        remember: remember(options)?,
        person: Some(Arc::new(PyPerson::default())),
        ..Choice::default()
    })
}

/// Takes everything out of the options that a credential may be told.
pub(super) fn choice(options: &mut Options<'_>) -> PyResult<Choice> {
    let person = PyPerson {
        show: options.object("show_code")?.map(Bound::unbind),
        open: options.object("open_page")?.map(Bound::unbind),
        paste: options.object("ask")?.map(Bound::unbind),
    };
    Ok(Choice {
        tenant_id: options.text("tenant_id")?,
        client_id: options.text("client_id")?,
        authority: options.text("authority")?,
        trust_authority: options.flag("trust_authority")?,
        additionally_allowed_tenants: options.texts("additionally_allowed_tenants")?,
        client_secret: options.secret("client_secret")?,
        certificate_path: options.path("certificate_path")?,
        certificate_data: options.bytes("certificate_data")?.map(SecretBytes::new),
        certificate_password: options.secret("certificate_password")?,
        algorithm: options.text("algorithm")?,
        thumbprint_sha1: options.flag("thumbprint_sha1")?,
        send_certificate_chain: options.flag("send_certificate_chain")?,
        assertion: options.object("assertion")?.map(|f| Arc::new(Asked(f.unbind())) as Arc<dyn AssertionSource>),
        token_file_path: options.path("token_file_path")?,
        service_connection_id: options.text("service_connection_id")?,
        system_access_token: options.secret("system_access_token")?,
        oidc_audience: options.text("audience_of_assertion")?,
        object_id: options.text("object_id")?,
        resource_id: options.text("resource_id")?,
        arc_keys: options.path("_arc_keys")?.map(Into::into),
        username: options.text("username")?,
        password: options.secret("password")?,
        user_assertion: options.secret("user_assertion")?,
        login_hint: options.text("login_hint")?,
        domain_hint: options.text("domain_hint")?,
        redirect_uri: options.text("redirect_uri")?,
        prompt: options.text("prompt")?,
        sign_in_timeout: options.seconds("sign_in_timeout")?,
        fallback: options.text("fallback")?,
        remember: remember(options)?,
        subscription: options.text("subscription")?,
        process_timeout: options.seconds("process_timeout")?,
        token: options.secret("token")?,
        members: members(options)?,
        interactive: options.flag("interactive")?,
        person: Some(Arc::new(person)),
    })
}

/// How a user is remembered: nothing, or a dict with the directory, the key, and whether plain files will do.
fn remember(options: &mut Options<'_>) -> PyResult<Remember> {
    let Some(given) = options.object("cache")? else { return Ok(Remember::Memory) };
    let py = given.py();
    let Ok(dict) = given.cast::<PyDict>() else {
        return Err(raise(py, Error::setting("cache", "takes a PersistentCache, or None")));
    };
    let mut inner = Options::new(Some(dict))?;
    let files = StoreOptions {
        directory: inner.path("directory")?.map(Into::into),
        allow_unencrypted: inner.flag("allow_unencrypted")?,
        key: inner.bytes("key")?.map(|bytes| super::errors::lift(py, Key::from_bytes(&bytes))).transpose()?,
    };
    super::errors::lift(py, inner.end(true))?;
    Ok(Remember::Files(files))
}

/// The members of a chain: ours as they are, anybody else's asked.
fn members(options: &mut Options<'_>) -> PyResult<Vec<(String, Arc<dyn Credential>)>> {
    let Some(given) = options.object("members")? else { return Ok(Vec::new()) };
    let member = |item: Bound<'_, PyAny>| {
        let name = item.get_type().name()?.to_string();
        Ok(match item.cast::<PyCredential>() {
            Ok(ours) => (ours.get().kind().to_owned(), Arc::new(Through(ours.get().tokens())) as Arc<dyn Credential>),
            Err(_) => (name, Arc::new(Foreign::new(&item)?) as Arc<dyn Credential>),
        })
    };
    given.try_iter()?.map(|item| member(item?)).collect()
}

/// Asks a Python function for assertions.
struct Asked(Py<PyAny>);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl AssertionSource for Asked {
    fn kind(&self) -> &'static str {
        "client assertion"
    }

    fn assertion<'a>(&'a self, _: &'a Wire, _: &'a Ask<'a>) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async move {
            let Some(function) = super::gate::attach(|py| self.0.clone_ref(py)) else { return Err(Error::closed()) };
            super::bridge::call_python(move |py| {
                let made = py
                    .import("xdrkit._foreign")
                    .and_then(|m| m.call_method1("assertion", (function, super::bridge::callers_loop(py))))
                    .and_then(|a| a.extract());
                made.map(|text: String| Secret::new(text)).map_err(|e| super::errors::lower(py, &e, "the function gave no assertion"))
            })
            .await
        })
    }
}
