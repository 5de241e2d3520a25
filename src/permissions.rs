//! Which permissions a script needs: the least that together allow everything it calls. Pure.
//!
//! Each operation needs any one of a list. For several operations the best choice is not the first of each list: who may already write
//! need not be given the permission to read. So the sets are searched: no permission is taken that stands behind a lesser one in the list
//! of each operation it is for, and of such sets the smallest is the best.

use crate::{
    error::{Error, Kind, Result, did_you_mean},
    ops::{
        self,
        model::{Effect, Operation, Service},
    },
};

/// The helpers that make several requests, and the operations that they may call.
pub const HELPERS: &[(&str, &[&str])] = &[
    ("hunt", &["graph.hunting.run"]),
    ("machines.find", FIND),
    ("machines.find_one", FIND),
    ("machine_actions.wait", &["machine_actions.get"]),
    ("machine_actions.wait_many", &["machine_actions.get"]),
    ("machine_actions.download_package", &["machine_actions.get", "machine_actions.package_uri"]),
    ("machine_actions.download_logs", &["machine_actions.get", "machine_actions.logs_uri"]),
    ("live_response.run", LIVE_RESPONSE),
    ("live_response.run_script", LIVE_RESPONSE),
    ("live_response.get_file", LIVE_RESPONSE),
    ("live_response.put_file", LIVE_RESPONSE),
    ("live_response.results", &["machine_actions.get", "live_response.result_link"]),
    ("indicators.upsert_many", &["indicators.import_batch"]),
    ("indicators.import_many", &["indicators.import_batch"]),
    ("indicators.sync", &["indicators.list", "indicators.import_batch", "indicators.delete_batch"]),
    ("exports.changes", &["exports.vulnerability_changes"]),
    ("alerts.watch", &["alerts.list"]),
    ("incidents.watch", &["incidents.list"]),
    ("graph.alerts.watch", &["graph.alerts.list"]),
    ("graph.incidents.watch", &["graph.incidents.list"]),
];

const FIND: &[&str] = &["machines.list", "machines.get", "machines.find_by_ip", "machines.find_by_tag"];
const LIVE_RESPONSE: &[&str] = &["live_response.start", "machine_actions.get", "live_response.result_link"];

/// `exports.download("certificates")` is written `exports.download:certificates` here; without a name it is all of them.
const DOWNLOAD: &str = "exports.download";
/// The same without a disk.
const ROWS: &str = "exports.rows";

/// Whose permissions: the application's own, or those that a user has through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The application signs in by itself.
    Application,
    /// A user has signed in.
    Delegated,
}

impl Context {
    /// Both.
    pub const ALL: [Context; 2] = [Context::Application, Context::Delegated];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Context::Application => "application",
            Context::Delegated => "delegated",
        }
    }

    /// The permissions of which an operation needs one.
    pub const fn of(self, op: &Operation) -> &'static [&'static str] {
        match self {
            Context::Application => op.app_permissions,
            Context::Delegated => op.delegated_permissions,
        }
    }
}

/// What to grant on one service in one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The service.
    pub service: Service,
    /// The context.
    pub context: Context,
    /// Each permission with the named operations that it allows.
    pub permissions: Vec<(&'static str, Vec<&'static str>)>,
    /// The named operations that no permission of this context allows.
    pub impossible: Vec<&'static str>,
}

/// The operations behind names of operations and helpers, each once, in the order of their naming.
pub fn operations<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Vec<&'static Operation>> {
    let mut found: Vec<&'static Operation> = Vec::new();
    for name in names {
        for op in behind(name)? {
            if !found.iter().any(|known| known.id == op.id) {
                found.push(op);
            }
        }
    }
    Ok(found)
}

/// The operations behind a name.
pub fn behind(name: &str) -> Result<Vec<&'static Operation>> {
    let downloads = |name: &str| {
        let wanted = |op: &&Operation| op.id.split_once('.').is_some_and(|(group, verb)| is_download(group, verb, name));
        ops::all().filter(wanted).collect::<Vec<_>>()
    };
    let ids = HELPERS.iter().find(|(helper, _)| *helper == name).map(|(_, ids)| *ids);
    let found = match (ops::by_id(name), ids, name.strip_prefix(DOWNLOAD).or_else(|| name.strip_prefix(ROWS))) {
        (Some(op), ..) => vec![op],
        (None, Some(ids), _) => ids.iter().filter_map(|id| ops::by_id(id)).collect(),
        (None, None, Some("")) => downloads(""),
        (None, None, Some(rest)) => rest.strip_prefix(':').map(downloads).unwrap_or_default(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        let message = format!("there is no operation {name:?}, and no helper of that name.{}", did_you_mean(name, names()));
        return Err(Error::new(Kind::UnknownOperation, message).detail("argument", "names").hint("xdrkit.operations() lists them all"));
    }
    Ok(found)
}

/// Every name that [`behind`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    ops::all().map(|op| op.id).chain(HELPERS.iter().map(|(helper, _)| *helper)).chain([DOWNLOAD, ROWS])
}

/// Whether an operation gives the links of that download.
fn is_download(group: &str, verb: &str, name: &str) -> bool {
    match verb.strip_suffix("_files") {
        Some(what) if group == "exports" => name.is_empty() || what == name,
        Some("export") if group == "av_health" => name.is_empty() || name == "av_health",
        _ => false,
    }
}

/// The least permissions that together allow the operations: for each service that one of them is on, both contexts.
pub fn least(named: &[&'static Operation]) -> Vec<Grant> {
    let services = Service::ALL.into_iter().filter(|s| named.iter().any(|op| op.service == *s));
    services.flat_map(|service| Context::ALL.map(|context| grant(named, service, context))).collect()
}

fn grant(named: &[&'static Operation], service: Service, context: Context) -> Grant {
    let (possible, impossible): (Vec<_>, Vec<_>) =
        named.iter().copied().filter(|op| op.service == service).partition(|op| !context.of(op).is_empty());
    let search = Search { possible: &possible, context };
    let allowed = |permission| possible.iter().filter(move |op| enough(context, op).contains(&permission)).map(|op| op.id).collect();
    Grant {
        service,
        context,
        permissions: search.best().into_iter().map(|p| (p, allowed(p))).collect(),
        impossible: impossible.iter().map(|op| op.id).collect(),
    }
}

/// What a set of permissions costs: how far from the beginning of the operations' own lists its members stand, and its size. Adding a
/// permission never makes it less.
type Cost = (usize, usize);

struct Search<'o> {
    possible: &'o [&'static Operation],
    context: Context,
}

impl Search<'_> {
    fn best(&self) -> Vec<&'static str> {
        let mut needs: Vec<Vec<&'static str>> = self.possible.iter().map(|op| enough(self.context, op)).collect();
        // Those without a choice first; whoever meets a need meets every wider one as well.
        needs.sort_by_key(Vec::len);
        let mut narrow: Vec<Vec<&'static str>> = Vec::new();
        for need in needs {
            if !narrow.iter().any(|known| known.iter().all(|p| need.contains(p))) {
                narrow.push(need);
            }
        }
        let mut best = None;
        self.extend(&narrow, &mut Vec::new(), &mut best);
        best.map(|(_, chosen)| chosen).unwrap_or_default()
    }

    fn extend(&self, needs: &[Vec<&'static str>], chosen: &mut Vec<&'static str>, best: &mut Option<(Cost, Vec<&'static str>)>) {
        let cost = self.cost(chosen);
        if best.as_ref().is_some_and(|(least, _)| *least < cost) {
            return;
        }
        match needs.iter().find(|need| !need.iter().any(|p| chosen.contains(p))) {
            None => {
                let mut found = chosen.clone();
                found.sort_unstable();
                let found = (cost, found);
                if best.as_ref().is_none_or(|best| found < *best) {
                    *best = Some(found);
                }
            }
            Some(need) => {
                for permission in need {
                    chosen.push(permission);
                    self.extend(needs, chosen, best);
                    chosen.pop();
                }
            }
        }
    }

    fn cost(&self, chosen: &[&'static str]) -> Cost {
        let lists: Vec<_> = self.possible.iter().map(|op| enough(self.context, op)).collect();
        let rank = |permission: &&str| lists.iter().filter_map(|list| list.iter().position(|p| p == permission)).min();
        (chosen.iter().filter_map(rank).sum(), chosen.len())
    }
}

/// The permissions of which an operation needs one. Some pages name a permission to read for what changes or acts, next to one that is
/// made for it: there it is left out, since nobody should find out during an incident that the page was wrong.
fn enough(context: Context, op: &Operation) -> Vec<&'static str> {
    let list = context.of(op);
    let reads = |p: &&&str| p.ends_with(".Read") || p.ends_with(".Read.All");
    let own: Vec<_> = list.iter().filter(|p| op.effect == Effect::Reads || !reads(p)).copied().collect();
    if own.is_empty() { list.to_vec() } else { own }
}

/// The grants as text for a person.
pub fn text(grants: &[Grant]) -> String {
    let mut out = String::new();
    for grant in grants {
        out += &format!("{} permissions on {}\n", capital(grant.context.name()), grant.service.app_name());
        let width = grant.permissions.iter().map(|(p, _)| p.len()).max().unwrap_or_default();
        for (permission, operations) in &grant.permissions {
            out += &format!("  {permission:<width$}  for {}\n", operations.join(", "));
        }
        if !grant.impossible.is_empty() {
            out += &format!("  not possible in {} context: {}\n", grant.context.name(), grant.impossible.join(", "));
        }
    }
    out
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn granted(names: &[&str]) -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
        let grants = least(&operations(names.iter().copied()).unwrap());
        grants.into_iter().map(|g| (g.service.name(), g.context.name(), g.permissions.into_iter().map(|(p, _)| p).collect())).collect()
    }

    #[test]
    fn one_operation_needs_its_least_permission() {
        for op in ops::all() {
            for grant in least(&[op]) {
                let list = grant.context.of(op);
                let only: Vec<_> = grant.permissions.iter().map(|(p, _)| *p).collect();
                assert_eq!(only, list.first().copied().into_iter().collect::<Vec<_>>(), "{} {}", op.id, grant.context.name());
                assert_eq!(grant.impossible.is_empty(), !list.is_empty());
            }
        }
    }

    #[test]
    fn what_is_needed_anyway_is_reused() {
        let endpoint = |app, delegated| vec![("endpoint", "application", vec![app]), ("endpoint", "delegated", vec![delegated])];
        assert_eq!(granted(&["machines.list"]), endpoint("Machine.Read.All", "Machine.Read"));
        assert_eq!(granted(&["machines.list", "machines.add_tag"]), endpoint("Machine.ReadWrite.All", "Machine.ReadWrite"));
        assert_eq!(granted(&["machine_actions.cancel", "machines.isolate"]), endpoint("Machine.Isolate", "Machine.Isolate"));
        assert_eq!(
            granted(&["machines.list", "machines.quarantine_file"]),
            [
                ("endpoint", "application", vec!["Machine.Read.All", "Machine.StopAndQuarantine"]),
                ("endpoint", "delegated", vec!["Machine.Read", "Machine.StopAndQuarantine"])
            ]
        );
    }

    #[test]
    fn services_and_contexts_stand_apart_and_what_is_impossible_is_told() {
        let grants = least(&operations(["graph.hunting.schema", "incidents.list"]).unwrap());
        assert_eq!(grants.iter().map(|g| g.service.name()).collect::<Vec<_>>(), ["xdr", "xdr", "graph", "graph"]);
        let graph = grants.iter().find(|g| g.service == Service::Graph && g.context == Context::Application).unwrap();
        assert_eq!((graph.permissions.len(), &graph.impossible), (0, &vec!["graph.hunting.schema"]));
        let text = text(&grants);
        assert!(
            text.contains("Application permissions on Microsoft Threat Protection\n  Incident.Read.All  for incidents.list\n"),
            "{text}"
        );
        assert!(text.contains("not possible in application context: graph.hunting.schema"), "{text}");
    }

    #[test]
    fn every_helper_names_declared_operations_and_a_slip_is_told() {
        for (helper, ids) in HELPERS {
            assert!(ops::by_id(helper).is_none(), "{helper} is an operation by itself");
            assert_eq!(behind(helper).unwrap().len(), ids.len(), "{helper}");
        }
        assert!(behind(DOWNLOAD).unwrap().len() > 8);
        assert_eq!(behind("exports.download:certificates").unwrap().first().map(|op| op.id), Some("exports.certificates_files"));
        assert_eq!(behind("exports.download:av_health").unwrap().first().map(|op| op.id), Some("av_health.export_files"));
        for (wrong, right) in
            [("machines.isolat", "machines.isolate"), ("indicators.synk", "indicators.sync"), ("exports.downlod", DOWNLOAD)]
        {
            assert!(behind(wrong).unwrap_err().to_string().contains(&format!("Did you mean {right:?}?")), "{wrong}");
        }
        assert_eq!(behind("exports.rows:certificates").unwrap().first().map(|op| op.id), Some("exports.certificates_files"));
        assert!(behind("exports.download:nonsense").is_err());
        assert!(behind("exports.downloads").is_err());
    }

    /// The least cost of all sets that cover, by trying each.
    fn by_force(search: &Search<'_>) -> Cost {
        let lists: Vec<_> = search.possible.iter().map(|op| enough(search.context, op)).collect();
        let mut all: Vec<&'static str> = lists.iter().flat_map(|l| l.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        let sets = (0u32..1 << all.len())
            .map(|mask| all.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, p)| *p).collect::<Vec<_>>());
        sets.filter(|set| lists.iter().all(|l| l.iter().any(|p| set.contains(p)))).map(|set| search.cost(&set)).min().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_set_allows_everything_and_no_permission_of_it_can_go(picks in prop::collection::vec(any::<prop::sample::Index>(), 1..25)) {
            let all: Vec<_> = ops::all().collect();
            let named: Vec<_> = operations(picks.iter().map(|i| i.get(&all).id)).unwrap();
            for grant in least(&named) {
                let chosen: Vec<_> = grant.permissions.iter().map(|(p, _)| *p).collect();
                let lists = || named.iter().filter(|op| op.service == grant.service).map(|op| enough(grant.context, op)).filter(|l| !l.is_empty());
                prop_assert!(lists().all(|l| l.iter().any(|p| chosen.contains(p))));
                for gone in &chosen {
                    prop_assert!(lists().any(|l| !l.iter().any(|p| p != gone && chosen.contains(p))), "{gone} can go");
                }
            }
        }

        #[test]
        fn no_other_set_costs_less(picks in prop::collection::vec(any::<prop::sample::Index>(), 1..6)) {
            let all: Vec<_> = ops::all().collect();
            let named: Vec<_> = operations(picks.iter().map(|i| i.get(&all).id)).unwrap();
            for service in Service::ALL {
                for context in Context::ALL {
                    let possible: Vec<_> = named.iter().copied().filter(|op| op.service == service && !context.of(op).is_empty()).collect();
                    let search = Search { possible: &possible, context };
                    prop_assert_eq!(search.cost(&search.best()), by_force(&search));
                }
            }
        }
    }

    #[test]
    fn all_operations_at_once_are_searched_quickly() {
        let began = std::time::Instant::now();
        let named: Vec<_> = ops::all().collect();
        assert_eq!(least(&named).len(), 6);
        assert!(began.elapsed().as_secs() < 5);
    }
}
