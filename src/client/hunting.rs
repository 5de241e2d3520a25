//! Hunting: one query, several at once, and batches while the answer arrives.

use super::{CallOptions, Client, check, many};
use crate::{
    error::{Error, Kind, Result},
    hunt::{
        self, Arriving, Hunted, Query,
        arriving::{self, Batch},
    },
    json::Value,
    ops::model::{Operation, Service},
    request,
};
use std::{sync::atomic::Ordering::*, time::Duration};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

/// Batches that lie ready: each is as large as the caller wanted, and more would only take room.
const AHEAD: usize = 1;

impl Client {
    /// Runs a hunting query on the endpoint that is wanted, or on the first that the token allows.
    pub async fn hunt(&self, query: Query, options: CallOptions) -> Result<Hunted> {
        self.hunt_into(&query, options, &mut Arriving::default()).await
    }

    /// Runs several queries, at most so many at a time. The outcomes are in the order of the queries, and one that fails stops no other.
    pub async fn hunt_many(&self, queries: Vec<(Query, CallOptions)>, concurrency: usize) -> Vec<Result<Hunted>> {
        let hunts = queries.into_iter().map(|(query, options)| {
            let client = self.clone();
            async move { client.hunt(query, options).await }
        });
        many(hunts, concurrency).await
    }

    /// Prepares a hunt whose rows are wanted in batches, while the answer arrives. Nothing is sent before the first is asked for.
    pub fn hunt_stream(&self, query: Query, options: CallOptions, rows: usize) -> Result<HuntStream> {
        query.check()?;
        check(&options)?;
        Ok(HuntStream { client: self.clone(), query, options, rows, state: Mutex::default() })
    }

    async fn hunt_into(&self, query: &Query, options: CallOptions, sink: &mut Arriving) -> Result<Hunted> {
        query.check()?;
        check(&options)?;
        let known = usize::try_from(self.shared.hunting.load(Acquire)).unwrap_or(0);
        let mut candidates = query.api.candidates();
        if let (hunt::Api::Auto, Some(found)) = (query.api, known.checked_sub(1).and_then(|i| candidates.get(i..=i))) {
            candidates = found;
        }
        let choosing = candidates.len() > 1;
        let (mut refusals, mut denied) = (Vec::new(), None);
        for (i, service) in candidates.iter().enumerate() {
            let op = hunt::operation(*service)?;
            if choosing && let Some(reason) = self.cannot_hunt(op).await? {
                refusals.push(reason);
                continue;
            }
            match self.hunt_on(op, query, options, sink).await {
                Ok(hunted) => {
                    if choosing {
                        self.shared.hunting.store(i as u64 + 1, Release);
                    }
                    return Ok(hunted);
                }
                Err(e) if choosing && e.kind() == Kind::PermissionDenied => {
                    refusals.push(format!("{}: {e}", service.name()));
                    denied = Some(e);
                }
                Err(e) => return Err(e),
            }
        }
        Err(nowhere_to_hunt(denied, refusals))
    }

    /// Why the credential cannot hunt there, as far as its token tells. A wrong secret is no reason to look elsewhere.
    async fn cannot_hunt(&self, op: &'static Operation) -> Result<Option<String>> {
        match self.token(op.service).await {
            Ok(token) => Ok(token
                .claims
                .as_ref()
                .filter(|c| !c.allows(op))
                .map(|c| format!("{}: the token lacks {}", op.service.name(), c.needed(op).join(" or ")))),
            Err(e) => {
                let not_here = ["invalid_resource", "invalid_scope", "unauthorized_client", "access_denied", "consent_required"];
                let unknown_resource = e.facts().details.get("aadsts").and_then(Value::as_i64).is_some_and(|n| n == 500_011);
                let elsewhere = unknown_resource
                    || e.kind() == Kind::CredentialUnavailable
                    || e.facts().code.as_deref().is_some_and(|c| not_here.contains(&c));
                if elsewhere { Ok(Some(format!("{}: {e}", op.service.name()))) } else { Err(e) }
            }
        }
    }

    async fn hunt_on(&self, op: &'static Operation, query: &Query, options: CallOptions, sink: &mut Arriving) -> Result<Hunted> {
        sink.service = Some(op.service);
        let arguments = query.arguments(op.service)?;
        let request = request::build(op, &arguments, self.base(op.service))?;
        let response = self.send_into(op, request, options, sink).await?;
        let decoded = sink.finish().map_err(|e| e.with(|f| f.request_id = response.request_id.clone()))?;
        let hunted = Hunted::answered(decoded, sink.given(), op.service);
        let ran = hunted.stats.as_ref().and_then(|s| s.get_ignore_case("ExecutionTime")).and_then(Value::as_f64);
        if let Some(time) = ran.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            self.pipeline().ran(op, time);
        }
        let text = arguments.get("query").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Hunted {
            query: text,
            elapsed: response.elapsed,
            request_ids: response.request_id.into_iter().collect(),
            window: query.window.clone(),
            tries: response.tries,
            waited: response.waited,
            ..hunted
        })
    }
}

/// Rows of one hunt in batches.
#[derive(Debug)]
pub struct HuntStream {
    client: Client,
    query: Query,
    options: CallOptions,
    rows: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    New,
    Arriving(mpsc::Receiver<Batch>, Hunt),
    Ended,
}

/// The task that reads the answer; it ends when nobody wants batches any more.
#[derive(Debug)]
struct Hunt(JoinHandle<Result<Hunted>>);

impl Drop for Hunt {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HuntStream {
    /// The next batch, `None` behind the last. The last tells about the whole hunt, and may have no rows.
    pub async fn next(&self) -> Result<Option<Hunted>> {
        let mut state = self.state.lock().await;
        if matches!(*state, State::New) {
            let (to, from) = mpsc::channel(AHEAD);
            let (client, query, options) = (self.client.clone(), self.query.clone(), self.options);
            let mut sink = Arriving::in_batches(self.rows, to);
            let hunt = async move { client.hunt_into(&query, options, &mut sink).await };
            *state = State::Arriving(from, Hunt(tokio::spawn(hunt)));
        }
        let State::Arriving(batches, hunt) = &mut *state else { return Ok(None) };
        if let Some((table, api)) = self.client.while_open(batches.recv()).await? {
            return Ok(Some(Hunted { query: self.query.text.clone(), window: self.query.window.clone(), api, ..Hunted::of(table) }));
        }
        let ended = (&mut hunt.0).await;
        *state = State::Ended;
        ended.unwrap_or_else(|_| Err(arriving::nobody())).map(Some)
    }
}

fn nowhere_to_hunt(denied: Option<Error>, refusals: Vec<String>) -> Error {
    let message = format!("no hunting endpoint is open to this credential: {}", refusals.join("; "));
    let error = denied.unwrap_or_else(|| Error::new(Kind::PermissionDenied, ""));
    error
        .with(|f| f.message = message)
        .detail("tried", refusals)
        .detail("missing", vec!["ThreatHunting.Read.All"])
        .detail("app", Service::Graph.app_name())
        .hint("grant ThreatHunting.Read.All on Microsoft Graph; the older endpoints stop on 2027-02-01")
}
