//! The words in which an operation is declared.
//!
//! An operation is written once, as const data. Everything else (requests, retries, paging, the Python methods and their docstrings,
//! the permission matrix, the sandbox's routes) is derived from that one place. The builders are `const fn`, and [`check`] runs in
//! the compiler: a placeholder without a parameter, a missing permission or a duplicate id does not build.

/// The three services. Each has its own hosts and its own token audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Microsoft Defender for Endpoint.
    Endpoint,
    /// Microsoft Defender XDR.
    Xdr,
    /// Microsoft Graph security.
    Graph,
}

impl Service {
    /// All services.
    pub const ALL: [Service; 3] = [Service::Endpoint, Service::Xdr, Service::Graph];

    /// The name that settings and messages use.
    pub const fn name(self) -> &'static str {
        match self {
            Service::Endpoint => "endpoint",
            Service::Xdr => "xdr",
            Service::Graph => "graph",
        }
    }

    /// The app that carries the permissions, as "APIs my organization uses" names it.
    pub const fn app_name(self) -> &'static str {
        match self {
            Service::Endpoint => "WindowsDefenderATP",
            Service::Xdr => "Microsoft Threat Protection",
            Service::Graph => "Microsoft Graph",
        }
    }

    /// The service of that name.
    pub fn from_name(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// The request's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// A member of the JSON body.
    Body,
    /// A part of a multipart form.
    Form,
}

impl Place {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Body => "body",
            Place::Form => "form",
        }
    }
}

/// What a parameter may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An id inside a path: never empty, no separators, no dot segments.
    Id,
    /// Zero or more.
    Count,
    /// A whole number from here to there.
    Range(i64, i64),
    /// True or false.
    Bool,
    /// A point in time with its zone, or how long ago (`-7d`).
    Moment,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Ints,
    /// Names out of these, joined by commas: one text or a list. A name may be followed by ` asc` or ` desc` where the parameter orders.
    Names(&'static [&'static str]),
    /// A hash in hexadecimal digits, of one of these lengths.
    Hash(&'static [usize]),
    /// An IP address, version 4 or 6.
    Ip,
    /// One of these; any letter case is taken and sent in this spelling. What is nearly one of them is refused as a slip, anything else is
    /// passed on with a warning, since the services add members.
    Enum(&'static [&'static str]),
    /// One of these or another: the documentation of the members contradicts itself, so that even what is nearly one of them is passed on.
    OpenEnum(&'static [&'static str]),
    /// An object of the named type; its keys may be written in Python's spelling.
    Object(&'static str),
    /// A list of such objects.
    Objects(&'static str),
    /// An object that is passed on as it is.
    Json,
    /// The content of a file with its name.
    File,
}

impl Kind {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Id => "id",
            Kind::Count => "count",
            Kind::Range(..) => "range",
            Kind::Bool => "bool",
            Kind::Moment => "moment",
            Kind::Texts => "texts",
            Kind::Ints => "ints",
            Kind::Names(_) => "names",
            Kind::Hash(_) => "hash",
            Kind::Ip => "ip",
            Kind::Enum(_) => "enum",
            Kind::OpenEnum(_) => "open enum",
            Kind::Object(_) => "object",
            Kind::Objects(_) => "objects",
            Kind::Json => "json",
            Kind::File => "file",
        }
    }

    /// The members, where there are some.
    pub const fn members(self) -> &'static [&'static str] {
        match self {
            Kind::Enum(m) | Kind::OpenEnum(m) | Kind::Names(m) => m,
            _ => &[],
        }
    }

    /// The type of the objects, where it takes some.
    pub const fn entity(self) -> Option<&'static str> {
        match self {
            Kind::Object(ty) | Kind::Objects(ty) => Some(ty),
            _ => None,
        }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name in Python.
    pub name: &'static str,
    /// Its name on the wire (case-sensitive in bodies).
    pub wire: &'static str,
    /// Where it travels.
    pub place: Place,
    /// What it may hold.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// A value that is always sent; such a parameter is no argument.
    pub fixed: Option<&'static str>,
    /// The largest number of items of a list.
    pub most: Option<usize>,
    /// What it means, with its unit and default.
    pub doc: &'static str,
}

impl Param {
    const fn new(name: &'static str, wire: &'static str, place: Place, kind: Kind, doc: &'static str) -> Param {
        Param { name, wire, place, kind, required: false, fixed: None, most: None, doc }
    }

    /// Must be given.
    pub const fn required(mut self) -> Param {
        self.required = true;
        self
    }

    /// A list has at most so many items.
    pub const fn at_most(mut self, items: usize) -> Param {
        self.most = Some(items);
        self
    }
}

/// An id in the path, under the same name on both sides.
pub const fn id(name: &'static str, wire: &'static str, doc: &'static str) -> Param {
    Param::new(name, wire, Place::Path, Kind::Id, doc).required()
}

/// A query option.
pub const fn query(name: &'static str, wire: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param::new(name, wire, Place::Query, kind, doc)
}

/// A member of the body.
pub const fn body(name: &'static str, wire: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param::new(name, wire, Place::Body, kind, doc)
}

/// A member of the body that always holds the same text.
pub const fn fixed(wire: &'static str, value: &'static str) -> Param {
    let mut p = Param::new(wire, wire, Place::Body, Kind::Text, "");
    p.fixed = Some(value);
    p
}

/// A part of a multipart form.
pub const fn form(name: &'static str, wire: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param::new(name, wire, Place::Form, kind, doc)
}

/// `$filter`.
pub const FILTER: Param = query(
    "filter",
    "$filter",
    Kind::Text,
    "Which items: OData text, such as `\"status eq 'New'\"`, or what `xdrkit.field(\"status\").eq(\"New\")` makes. Default: everything.",
);
/// `$top`.
pub const TOP: Param = query("top", "$top", Kind::Count, "At most so many items in all. Default: no limit.");
/// `$skip`.
pub const SKIP: Param = query("skip", "$skip", Kind::Count, "Leave out so many items at the start. Default: 0.");
/// `$count`.
pub const COUNT: Param =
    query("count", "$count", Kind::Bool, "Let the service count all items too; `Pages.count()` asks for it by itself.");

/// A machine, by its id.
pub const MACHINE: Param = id("id", "id", "Machine id: 40 hexadecimal digits.");
/// An id of the caller's own.
pub const EXTERNAL_ID: Param = body(
    "external_id",
    "ExternalId",
    Kind::Text,
    "An id of your own that is kept with the action. Known from the service's metadata only.",
);

/// `$expand` with the names that the operation allows.
pub const fn expand(names: &'static [&'static str]) -> Param {
    query("expand", "$expand", Kind::Names(names), "Related items to include in each. Default: none.")
}

/// `$select` with the properties that there are.
pub const fn select(names: &'static [&'static str]) -> Param {
    query("select", "$select", Kind::Names(names), "Only these properties. Default: all.")
}

/// `$orderby` with the properties that there are.
pub const fn orderby(names: &'static [&'static str]) -> Param {
    query(
        "orderby",
        "$orderby",
        Kind::Names(names),
        "The order: property names, each with ` desc` behind it or not. Default: the service's.",
    )
}

/// What a call answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// One object of the named type.
    One(&'static str),
    /// A list of the named type, in pages.
    Many(&'static str),
    /// A hunting result.
    Rows,
    /// A text, which the service wraps into `value` and sometimes into quotation marks.
    Text,
    /// A bare whole number.
    Number,
    /// Nothing.
    Nothing,
}

/// How to get the pages of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// No list.
    None,
    /// The whole list at once; a next link is followed where one comes all the same.
    Whole,
    /// Follow `@odata.nextLink`.
    NextLink {
        /// The largest page, and `$top`, that the service allows.
        page_max: u32,
    },
    /// Ask with `$top` and `$skip` until a page is short.
    Skip {
        /// The largest page, and `$top`, that the service allows.
        page_max: u32,
    },
    /// Follow next links as far as they go, then ask anew from the last seen moment of a property on: the service skips no further.
    Boundary {
        /// The largest page, and `$top`, that the service allows.
        page_max: u32,
        /// The property.
        key: &'static str,
    },
    /// Ask with `pageSize` and follow next links; `$top` would suppress them.
    Token {
        /// The largest page that the service allows.
        page_max: u32,
    },
}

impl Paging {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Paging::None => "none",
            Paging::Whole => "whole",
            Paging::NextLink { .. } => "next link",
            Paging::Skip { .. } => "skip",
            Paging::Boundary { .. } => "time boundary",
            Paging::Token { .. } => "token",
        }
    }

    /// The largest page that may be asked for.
    pub const fn page_max(self) -> Option<u32> {
        match self {
            Paging::None | Paging::Whole => None,
            Paging::NextLink { page_max } | Paging::Skip { page_max } | Paging::Boundary { page_max, .. } | Paging::Token { page_max } => {
                Some(page_max)
            }
        }
    }
}

/// What a call does to the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It changes what is written down: an alert's status, a tag, an indicator.
    Changes,
    /// It acts on machines, or takes something away for good.
    Acts,
}

impl Effect {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Effect::Reads => "reads",
            Effect::Changes => "changes",
            Effect::Acts => "acts",
        }
    }
}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// Reads, and writes that set a state: sending twice is sending once.
    Idempotent,
    /// Acts on the world: again only if it never left, or was refused with 429.
    OnlyIfNeverSent,
}

impl Safety {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Safety::Idempotent => "idempotent",
            Safety::OnlyIfNeverSent => "only if never sent",
        }
    }
}

/// A documented rate limit, per tenant and app. 0 means: not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Operations with the same name share the limit.
    pub name: &'static str,
    /// Calls a minute.
    pub per_minute: u32,
    /// Calls an hour.
    pub per_hour: u32,
    /// Seconds that queries may run in an hour.
    pub run_hour: u32,
    /// Seconds that queries may run in a day.
    pub run_day: u32,
}

impl Quota {
    /// Every quota.
    pub const ALL: &[Quota] = &[
        Quota::HUNTING_GRAPH,
        Quota::HUNTING_XDR,
        Quota::HUNTING_ENDPOINT,
        Quota::GRAPH,
        Quota::INCIDENTS,
        Quota::ENDPOINT,
        Quota::ALERTS_BATCH,
        Quota::ALERT_CREATE,
        Quota::PACKAGE_URI,
        Quota::LIVE_RESPONSE,
        Quota::INVESTIGATE,
        Quota::INDICATORS_IMPORT,
        Quota::INDICATORS_DELETE,
        Quota::MACHINE_VULNERABILITIES,
        Quota::EXPORT_PAGES,
        Quota::EXPORT_FILES,
        Quota::UNSTATED,
    ];

    const fn new(name: &'static str, per_minute: u32, per_hour: u32) -> Quota {
        Quota { name, per_minute, per_hour, run_hour: 0, run_day: 0 }
    }

    /// Most Endpoint calls.
    pub const ENDPOINT: Quota = Quota::new("endpoint", 100, 1500);
    /// Vulnerability management's lists, whose pages name no limit.
    pub const UNSTATED: Quota = Quota::new("vulnerability management", 0, 0);
    /// Changing many alerts.
    pub const ALERTS_BATCH: Quota = Quota::new("alerts batch", 10, 500);
    /// Making an alert.
    pub const ALERT_CREATE: Quota = Quota::new("alert creation", 15, 0);
    /// The link to an investigation package.
    pub const PACKAGE_URI: Quota = Quota::new("package link", 2, 120);
    /// Live response sessions; also at most 25 at a time.
    pub const LIVE_RESPONSE: Quota = Quota::new("live response", 10, 0);
    /// Automated investigations.
    pub const INVESTIGATE: Quota = Quota::new("investigation start", 0, 50);
    /// Importing indicators.
    pub const INDICATORS_IMPORT: Quota = Quota::new("indicators import", 30, 0);
    /// Deleting many indicators.
    pub const INDICATORS_DELETE: Quota = Quota::new("indicators batch delete", 30, 1500);
    /// A machine's vulnerabilities.
    pub const MACHINE_VULNERABILITIES: Quota = Quota::new("machine vulnerabilities", 50, 1500);
    /// Exports as JSON.
    pub const EXPORT_PAGES: Quota = Quota::new("export pages", 30, 1000);
    /// Exports as files.
    pub const EXPORT_FILES: Quota = Quota::new("export files", 5, 20);
    /// XDR incidents.
    pub const INCIDENTS: Quota = Quota::new("xdr incidents", 50, 1500);
    /// Graph security.
    pub const GRAPH: Quota = Quota::new("graph security", 150, 0);
    /// Hunting on the Endpoint service.
    pub const HUNTING_ENDPOINT: Quota = Quota { run_hour: 600, run_day: 10_800, ..Quota::new("endpoint hunting", 45, 1500) };
    /// Hunting on XDR; the service gives larger tenants more.
    pub const HUNTING_XDR: Quota = Quota::new("xdr hunting", 45, 0);
    /// Hunting on Graph; the service gives larger tenants more.
    pub const HUNTING_GRAPH: Quota = Quota::new("graph hunting", 45, 0);
}

/// One operation of one service.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// `resource.verb`; Graph's begin with `graph.`.
    pub id: &'static str,
    /// Whose it is.
    pub service: Service,
    /// GET, POST, …
    pub method: Method,
    /// Path template with `{wire}` placeholders.
    pub path: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What a caller should know beyond it.
    pub notes: &'static str,
    /// The parameters, required ones first.
    pub params: &'static [Param],
    /// What a call answers.
    pub returns: Returns,
    /// How to get all of it.
    pub paging: Paging,
    /// When it may be sent again.
    pub safety: Safety,
    /// What it does to the tenant.
    pub effect: Effect,
    /// Whether Microsoft documents it; else the service's own metadata is all that is known.
    pub documented: bool,
    /// Any one of these application permissions suffices; the least comes first.
    pub app_permissions: &'static [&'static str],
    /// Any one of these delegated permissions suffices; the least comes first.
    pub delegated_permissions: &'static [&'static str],
    /// The documented limit.
    pub quota: Quota,
    /// Since when or until when, if it is on its way out.
    pub deprecated: Option<&'static str>,
    /// The properties that `$filter` takes.
    pub filterable: &'static [&'static str],
    /// The documentation page.
    pub doc: &'static str,
}

impl Operation {
    /// What its calls are counted under. "This API" is what the pages say that the usual limit is for, so that each operation has its own; the
    /// other limits are shared by the operations that they name.
    pub fn counted_as(&self) -> &'static str {
        if self.quota.name == Quota::ENDPOINT.name { self.id } else { self.quota.name }
    }

    /// A new declaration: reads are idempotent, everything else is not.
    pub const fn new(id: &'static str, service: Service, method: Method, path: &'static str) -> Operation {
        Operation {
            id,
            service,
            method,
            path,
            summary: "",
            notes: "",
            params: &[],
            returns: Returns::One(""),
            paging: Paging::None,
            safety: match method {
                Method::Get => Safety::Idempotent,
                _ => Safety::OnlyIfNeverSent,
            },
            effect: match method {
                Method::Get => Effect::Reads,
                Method::Delete => Effect::Acts,
                _ => Effect::Changes,
            },
            documented: true,
            app_permissions: &[],
            delegated_permissions: &[],
            quota: match service {
                Service::Endpoint => Quota::ENDPOINT,
                Service::Xdr => Quota::INCIDENTS,
                Service::Graph => Quota::GRAPH,
            },
            deprecated: None,
            filterable: &[],
            doc: "",
        }
    }

    /// One sentence on what it does.
    pub const fn summary(mut self, text: &'static str) -> Operation {
        self.summary = text;
        self
    }

    /// What a caller should know beyond it.
    pub const fn notes(mut self, text: &'static str) -> Operation {
        self.notes = text;
        self
    }

    /// The parameters.
    pub const fn params(mut self, params: &'static [Param]) -> Operation {
        self.params = params;
        self
    }

    /// Answers one object of the named type.
    pub const fn one(mut self, ty: &'static str) -> Operation {
        self.returns = Returns::One(ty);
        self
    }

    /// Answers a list of the named type.
    pub const fn many(mut self, ty: &'static str, paging: Paging) -> Operation {
        self.returns = Returns::Many(ty);
        self.paging = paging;
        self
    }

    /// Answers a hunting result; a query may be sent again.
    pub const fn rows(mut self) -> Operation {
        self.returns = Returns::Rows;
        self.reads()
    }

    /// Answers a text.
    pub const fn text(mut self) -> Operation {
        self.returns = Returns::Text;
        self
    }

    /// Answers a number.
    pub const fn number(mut self) -> Operation {
        self.returns = Returns::Number;
        self
    }

    /// Answers nothing.
    pub const fn nothing(mut self) -> Operation {
        self.returns = Returns::Nothing;
        self
    }

    /// Only reads, although its method says otherwise.
    pub const fn reads(mut self) -> Operation {
        self.safety = Safety::Idempotent;
        self.effect = Effect::Reads;
        self
    }

    /// Acts on machines, or takes something away for good.
    pub const fn acts(mut self) -> Operation {
        self.effect = Effect::Acts;
        self
    }

    /// Known from the service's metadata only: path, parameters and answer are sure, permissions and limits are those of its neighbours.
    pub const fn undocumented(mut self) -> Operation {
        self.documented = false;
        self.doc = "https://api.security.microsoft.com/api/$metadata";
        self
    }

    /// May be sent again: it sets a state.
    pub const fn idempotent(mut self) -> Operation {
        self.safety = Safety::Idempotent;
        self
    }

    /// The permissions: application, delegated.
    pub const fn permissions(mut self, app: &'static [&'static str], delegated: &'static [&'static str]) -> Operation {
        self.app_permissions = app;
        self.delegated_permissions = delegated;
        self
    }

    /// A limit other than the service's usual one.
    pub const fn quota(mut self, quota: Quota) -> Operation {
        self.quota = quota;
        self
    }

    /// On its way out.
    pub const fn deprecated(mut self, text: &'static str) -> Operation {
        self.deprecated = Some(text);
        self
    }

    /// The properties that `$filter` takes.
    pub const fn filterable(mut self, names: &'static [&'static str]) -> Operation {
        self.filterable = names;
        self
    }

    /// The documentation page.
    pub const fn doc(mut self, url: &'static str) -> Operation {
        self.doc = url;
        self
    }

    /// The parameter of that Python name.
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params.iter().find(|p| p.fixed.is_none() && p.name == name)
    }

    /// The parameter of that wire name.
    pub fn wire(&self, wire: &str) -> Option<&'static Param> {
        self.params.iter().find(|p| p.wire == wire)
    }
}

/// The type of one property of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its key.
    pub name: &'static str,
    /// Its type in the service's own words, such as `DateTimeOffset`, `Collection(String)`, `AlertEvidence`.
    pub ty: &'static str,
}

/// A type that answers are made of.
#[derive(Clone, Copy, Debug)]
pub struct Entity {
    /// Its name in Python.
    pub name: &'static str,
    /// Its properties, without the base's.
    pub properties: &'static [Property],
    /// The type whose properties it has as well.
    pub base: Option<&'static str>,
    /// The property that tells one from another, where there is one.
    pub key: Option<&'static str>,
}

/// A type whose values are a known list of texts, open to more.
#[derive(Clone, Copy, Debug)]
pub struct EnumType {
    /// Its name in Python.
    pub name: &'static str,
    /// Its members.
    pub members: &'static [&'static str],
}

#[allow(clippy::indexing_slicing, clippy::panic, reason = "runs in the compiler, where a panic is the error message")]
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// How often `{name}` stands in the path.
#[allow(clippy::indexing_slicing, clippy::panic, reason = "runs in the compiler, where a panic is the error message")]
const fn placeholders(path: &str, name: &str) -> usize {
    let (path, name) = (path.as_bytes(), name.as_bytes());
    let (mut found, mut i) = (0, 0);
    while i + name.len() + 1 < path.len() {
        if path[i] == b'{' && path[i + name.len() + 1] == b'}' {
            let mut k = 0;
            while k < name.len() && path[i + 1 + k] == name[k] {
                k += 1;
            }
            if k == name.len() {
                found += 1;
            }
        }
        i += 1;
    }
    found
}

#[allow(clippy::indexing_slicing, clippy::panic, reason = "runs in the compiler, where a panic is the error message")]
const fn count(path: &str, byte: u8) -> usize {
    let path = path.as_bytes();
    let (mut found, mut i) = (0, 0);
    while i < path.len() {
        if path[i] == byte {
            found += 1;
        }
        i += 1;
    }
    found
}

/// Stops the build when a declaration does not hold together.
#[allow(clippy::indexing_slicing, clippy::panic, reason = "runs in the compiler, where a panic is the error message")]
pub const fn check(groups: &[&[Operation]]) {
    let mut g = 0;
    while g < groups.len() {
        let mut i = 0;
        while i < groups[g].len() {
            check_one(&groups[g][i]);
            let (mut h, mut k) = (g, i + 1);
            while h < groups.len() {
                while k < groups[h].len() {
                    assert!(!same(groups[g][i].id, groups[h][k].id), "two operations have the same id");
                    k += 1;
                }
                h += 1;
                k = 0;
            }
            i += 1;
        }
        g += 1;
    }
}

#[allow(clippy::indexing_slicing, clippy::panic, reason = "runs in the compiler, where a panic is the error message")]
const fn check_one(op: &Operation) {
    assert!(count(op.id, b'.') >= 1, "an id is resource.verb");
    assert!(op.path.as_bytes()[0] == b'/', "a path begins with a slash");
    assert!(!op.summary.is_empty(), "an operation has a summary");
    assert!(!op.doc.is_empty(), "an operation names its documentation page");
    assert!(!op.app_permissions.is_empty() || !op.delegated_permissions.is_empty(), "an operation names its permissions");
    assert!(matches!(op.returns, Returns::Many(_)) != matches!(op.paging, Paging::None), "lists have pages and nothing else has");
    let (mut in_path, mut i) = (0, 0);
    while i < op.params.len() {
        let p = &op.params[i];
        if matches!(p.place, Place::Path) {
            assert!(placeholders(op.path, p.wire) == 1, "a path parameter stands in the template once");
            assert!(p.required, "a path parameter is required");
            in_path += 1;
        }
        if matches!(p.place, Place::Body | Place::Form) {
            assert!(!matches!(op.method, Method::Get), "a GET has no body");
        }
        assert!(matches!(p.kind, Kind::File) <= matches!(p.place, Place::Form), "a file is a part of a form");
        assert!(p.fixed.is_some() || !p.doc.is_empty(), "a parameter is documented");
        let mut k = i + 1;
        while k < op.params.len() {
            assert!(!same(p.name, op.params[k].name), "two parameters have the same name");
            assert!(!(p.fixed.is_none() && !p.required && op.params[k].required), "required parameters come first");
            k += 1;
        }
        i += 1;
    }
    assert!(count(op.path, b'{') == in_path, "path parameters do not match the template");
}
