//! Exports via files: all of it, once each, on the disk.
//!
//! The service answers with links to gzip parts in a cloud storage. [`Export`] fetches them side by side, each through a thread that unpacks and
//! writes it, so that memory is bounded by chunks and batches and not by the export. What is whole stays whole: `folder` sees to that. Links
//! that end are had anew (`links`); a snapshot that is over is begun again, apart from what was there.

mod folder;
mod lines;
mod links;
mod listing;
mod manifest;
mod part;
mod rows;
mod sink;
mod work;

pub use rows::Rows;

use crate::{
    client::{Client, download::joined},
    clock::random_guid,
    error::{Error, Kind, Result, did_you_mean, listed},
    json::{Object, Value},
    ops::{
        self,
        model::{Operation, Returns},
    },
    pipeline::storage::ended,
    request,
};
use folder::Folder;
use links::Links;
use manifest::Manifest;
use sink::Shape;
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinSet};
use work::{Outcome, Work};

/// How often a part may be refused or found damaged.
const PART_TRIES: u32 = 3;
/// How often a new snapshot may take the place of one that is being fetched.
const SNAPSHOTS: u32 = 3;
const MAX_PARALLEL: u32 = 16;

/// What the files are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, as the service wrote it.
    Ndjson,
    /// Arrow's file format.
    Arrow,
    /// Parquet.
    Parquet,
}

impl Format {
    /// The name, which is the files' ending too.
    pub fn name(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Arrow => "arrow",
            Format::Parquet => "parquet",
        }
    }

    /// By its name.
    pub fn from_name(name: &str) -> Result<Format> {
        let all = [Format::Parquet, Format::Ndjson, Format::Arrow];
        all.into_iter().find(|f| f.name() == name).ok_or_else(|| {
            let names = all.map(Format::name);
            Error::argument("format", format!("{name:?} is not allowed; it is {}", listed(&names))).detail("allowed", names.to_vec())
        })
    }
}

/// One export that can be had as files.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// What it is called.
    pub name: &'static str,
    /// The operation that gives the links.
    pub operation: &'static Operation,
    /// The type of its rows, where one is declared.
    pub entity: Option<&'static str>,
}

/// All of them.
pub fn catalog() -> impl Iterator<Item = Named> {
    ops::all().filter(|op| op.returns == Returns::One("ExportFiles")).map(|op| {
        let (group, verb) = op.id.split_once('.').unwrap_or((op.id, ""));
        let name = verb.strip_suffix("_files").filter(|name| *name != "export").unwrap_or(group);
        let pages = ops::by_id(op.id.strip_suffix("_files").unwrap_or(op.id));
        let entity = pages.and_then(|op| if let Returns::Many(ty) = op.returns { Some(ty) } else { None });
        Named { name, operation: op, entity }
    })
}

/// The export of that name, or an error that lists them.
pub fn named(name: &str) -> Result<Named> {
    catalog().find(|n| n.name == name).ok_or_else(|| {
        let mut names: Vec<_> = catalog().map(|n| n.name).collect();
        names.sort_unstable();
        let guess = did_you_mean(name, names.iter().copied());
        Error::argument("name", format!("{name:?} is not allowed; it is {}.{guess}", listed(&names))).detail("allowed", names)
    })
}

fn arguments(client: &Client, named: Named, hours: Option<i64>) -> Result<Object> {
    if hours.is_some() && !named.operation.params.iter().any(|p| p.name == "hours") {
        return Err(Error::argument("hours", format!("is not offered for {}: its links live for an hour", named.name)));
    }
    let arguments = hours.map(|h| ("hours".to_owned(), Value::Int(h))).into_iter().collect();
    request::build(named.operation, &arguments, client.base(named.operation.service))?;
    Ok(arguments)
}

/// An error with the part that it is about.
fn about(part: &str, error: Error) -> Error {
    let error = if ended(&error) { links::refused_for_good(error) } else { error };
    let file = part.rsplit('/').next().unwrap_or_default();
    error.with(|f| {
        f.message = format!("{file}: {}", f.message);
        f.url.get_or_insert_with(|| part.to_owned());
    })
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which export.
    pub name: String,
    /// The folder to write to.
    pub to: PathBuf,
    /// The files' format.
    pub format: Format,
    /// How long links are to live, in hours.
    pub hours: Option<i64>,
    /// How many parts to fetch at a time.
    pub parallel: u32,
    /// Whether to go on with what the folder holds.
    pub resume: bool,
}

/// How far an export is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Parts of the snapshot.
    pub parts: u64,
    /// Those that are whole.
    pub done: u64,
    /// Those that were whole before this run.
    pub resumed: u64,
    /// Rows in what is whole.
    pub rows: u64,
    /// Bytes of what is whole, as it lies on the disk.
    pub bytes: u64,
    /// How often links were had anew.
    pub renewed: u64,
    /// When the snapshot was made, as the service says it.
    pub generated: String,
    /// Where the files lie.
    pub files: Vec<PathBuf>,
    /// Where the parts of a snapshot went that is over.
    pub superseded: Option<PathBuf>,
    /// Since the export began.
    pub elapsed: Duration,
}

/// An export under way.
#[derive(Debug)]
pub struct Export {
    client: Client,
    named: Named,
    wish: Wish,
    arguments: Object,
    run: Mutex<Stage>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    New,
    Running(Box<Run>),
    Ended,
}

#[derive(Debug)]
struct Run {
    began: Duration,
    held: Arc<Lock<Held>>,
    links: Arc<Links>,
    waiting: VecDeque<usize>,
    working: JoinSet<Result<Outcome>>,
    resumed: u64,
    renewed_before: u64,
    snapshots: u32,
}

/// The folder with what is known of it: changed together, on a thread that may block.
#[derive(Debug)]
struct Held {
    folder: Folder,
    manifest: Manifest,
}

impl Export {
    /// Checks what is wanted. Nothing is sent, and nothing is touched.
    pub fn new(client: &Client, wish: Wish) -> Result<Export> {
        let named = named(&wish.name)?;
        if !(1..=MAX_PARALLEL).contains(&wish.parallel) {
            return Err(Error::argument("parallel", format!("{} is not allowed; it is 1 to {MAX_PARALLEL}", wish.parallel)));
        }
        if wish.to.as_os_str().is_empty() {
            return Err(Error::argument("to", "is empty; it is the folder to write to"));
        }
        let arguments = arguments(client, named, wish.hours)?;
        Ok(Export { client: client.clone(), named, wish, arguments, run: Mutex::default() })
    }

    /// Waits until there is progress; the first time, until it is known what there is to fetch. `None` at the end.
    pub async fn next(&self) -> Result<Option<Progress>> {
        let mut stage = self.run.lock().await;
        let result = self.client.while_open(self.step(&mut stage)).await.and_then(|result| result);
        if result.is_err() {
            *stage = Stage::Ended;
        }
        result
    }

    /// Ends it. What is whole stays.
    pub async fn close(&self) {
        *self.run.lock().await = Stage::Ended;
    }

    async fn step(&self, stage: &mut Stage) -> Result<Option<Progress>> {
        match stage {
            Stage::New => {
                let run = self.begin().await?;
                let progress = self.progress(&run);
                *stage = Stage::Running(Box::new(run));
                Ok(Some(progress))
            }
            Stage::Running(run) => {
                if self.advance(run).await? {
                    return Ok(Some(self.progress(run)));
                }
                *stage = Stage::Ended;
                Ok(None)
            }
            Stage::Ended => Ok(None),
        }
    }

    async fn begin(&self) -> Result<Run> {
        let began = self.client.clock().monotonic();
        let Wish { to, format, resume, .. } = self.wish.clone();
        let name = self.named.name;
        let folder = blocking(move || Folder::open(&to, name, format, resume)).await?;
        let (links, listing) = Links::ask(&self.client, self.named.operation, &self.arguments).await?;
        let held = blocking(move || {
            let mut folder = folder;
            let manifest = folder.begin(name, format, &listing, resume)?;
            Ok(Held { folder, manifest })
        })
        .await?;
        let resumed = held.manifest.sums().0;
        let waiting = undone(&held.manifest);
        let (held, links, working) = (Arc::new(Lock::new(held)), Arc::new(links), JoinSet::new());
        let mut run = Run { began, held, links, waiting, working, resumed, renewed_before: 0, snapshots: 1 };
        self.fill(&mut run)?;
        Ok(run)
    }

    /// Whether something came of it; `false` when all is done.
    async fn advance(&self, run: &mut Run) -> Result<bool> {
        let Some(first) = run.working.join_next().await else { return Ok(false) };
        let (mut done, mut changed, mut failed) = (Vec::new(), false, None);
        let mut next = Some(first);
        while let Some(outcome) = next {
            match outcome.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "a part came to no end"))) {
                Ok(Outcome::Done(i, scratch, facts)) => done.extend(scratch.keep().map(|path| (i, path, facts))),
                Ok(Outcome::Changed) => changed = true,
                Err(e) => failed = Some(e),
            }
            next = run.working.try_join_next();
        }
        let held = run.held.clone();
        blocking(move || {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let Held { folder, manifest } = &mut *held;
            folder.commit(manifest, done)
        })
        .await?;
        if let Some(error) = failed {
            return Err(error);
        }
        if changed {
            self.start_over(run).await?;
        }
        self.fill(run)?;
        Ok(true)
    }

    /// The snapshot is over: sets aside what is whole of it, and begins with the one that took its place.
    async fn start_over(&self, run: &mut Run) -> Result<()> {
        // A part that is still being written has a name of its own and is dropped; it cannot come to lie among the new ones.
        run.working.shutdown().await;
        run.snapshots += 1;
        if run.snapshots > SNAPSHOTS {
            let message = format!("the service replaced the snapshot {SNAPSHOTS} times while it was fetched");
            return Err(Error::new(Kind::Service, message).hint("try again, with more parallel parts or on a faster line"));
        }
        run.renewed_before += run.links.renewed();
        tracing::warn!(target: "xdrkit", "{}: the snapshot is over; the next one is begun", self.named.operation.id);
        let listing = run.links.last().await;
        let (held, name, format) = (run.held.clone(), self.named.name, self.wish.format);
        let began = blocking({
            let listing = listing.clone();
            move || {
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                let Held { folder, manifest } = &mut *held;
                *manifest = folder.replace(manifest, name, format, &listing)?;
                Ok(undone(manifest))
            }
        })
        .await?;
        run.links = Arc::new(Links::of(&self.client, self.named.operation, &self.arguments, listing));
        (run.waiting, run.resumed) = (began, 0);
        Ok(())
    }

    /// Begins parts until as many are under way as are wanted.
    fn fill(&self, run: &mut Run) -> Result<()> {
        while run.working.len() < self.wish.parallel as usize {
            let Some(i) = run.waiting.pop_front() else { break };
            let held = run.held.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(part) = held.manifest.parts.get(i) else { continue };
            let work = Work {
                index: i,
                client: self.client.clone(),
                links: run.links.clone(),
                part: part.source.clone(),
                scratch: held.folder.scratch(&part.file, random_guid().get(..8).unwrap_or_default()),
                shape: Shape::new(self.wish.format, self.named.entity),
            };
            run.working.spawn(work.run());
        }
        Ok(())
    }

    fn progress(&self, run: &Run) -> Progress {
        let held = run.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, rows, bytes) = held.manifest.sums();
        let whole = held.manifest.parts.iter().filter(|p| p.done.is_some());
        Progress {
            parts: held.manifest.parts.len() as u64,
            done,
            resumed: run.resumed,
            rows,
            bytes,
            renewed: run.renewed_before + run.links.renewed(),
            generated: held.manifest.generated.clone(),
            files: whole.map(|p| held.folder.file(&p.file)).collect(),
            superseded: held.folder.aside.clone(),
            elapsed: self.client.clock().monotonic().saturating_sub(run.began),
        }
    }
}

fn undone(manifest: &Manifest) -> VecDeque<usize> {
    manifest.parts.iter().enumerate().filter(|(_, p)| p.done.is_none()).map(|(i, _)| i).collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    joined(tokio::task::spawn_blocking(work)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exports_are_those_that_the_declaration_gives_links_for() {
        let mut all: Vec<_> = catalog().map(|n| (n.name, n.entity)).collect();
        all.sort_unstable();
        assert_eq!(
            all,
            [
                ("av_health", None),
                ("baselines", Some("AssetBaselineAssessment")),
                ("browser_extensions", Some("AssetBrowserExtension")),
                ("certificates", Some("AssetCertificateAssessment")),
                ("firmware", Some("AssetHardwareFirmware")),
                ("information_gathering", None),
                ("non_cpe_software", Some("AssetNonCpeSoftware")),
                ("secure_configurations", Some("AssetConfiguration")),
                ("software_inventory", Some("AssetSoftware")),
                ("vulnerabilities", Some("AssetVulnerability")),
            ]
        );
        let error = named("software").unwrap_err().to_string();
        assert!(error.starts_with("name: \"software\" is not allowed; it is \"av_health\", "), "{error}");
        assert!(Format::from_name("csv").unwrap_err().to_string().starts_with("format: \"csv\" is not allowed"));
    }
}
