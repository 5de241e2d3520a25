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
}

impl Place {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Body => "body",
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
    /// A list of texts.
    Texts,
    /// One of these; any letter case is taken and sent in this spelling.
    Enum(&'static [&'static str]),
    /// One of these or what the service adds later: anything is passed on, known members in this spelling.
    OpenEnum(&'static [&'static str]),
}

impl Kind {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Id => "id",
            Kind::Count => "count",
            Kind::Texts => "texts",
            Kind::Enum(_) => "enum",
            Kind::OpenEnum(_) => "open enum",
        }
    }

    /// The members, where there are some.
    pub const fn members(self) -> &'static [&'static str] {
        match self {
            Kind::Enum(m) | Kind::OpenEnum(m) => m,
            _ => &[],
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
    /// What it means, with its unit and default.
    pub doc: &'static str,
}

impl Param {
    const fn new(name: &'static str, wire: &'static str, place: Place, kind: Kind, doc: &'static str) -> Param {
        Param { name, wire, place, kind, required: false, fixed: None, doc }
    }

    /// Must be given.
    pub const fn required(mut self) -> Param {
        self.required = true;
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

/// `$filter`.
pub const FILTER: Param = query("filter", "$filter", Kind::Text, "OData filter text, such as `\"status eq 'New'\"`. Default: everything.");
/// `$top`.
pub const TOP: Param = query("top", "$top", Kind::Count, "At most so many items in all. Default: no limit.");
/// `$skip`.
pub const SKIP: Param = query("skip", "$skip", Kind::Count, "Leave out so many items at the start. Default: 0.");

/// `$expand` with the names that the operation allows.
pub const fn expand(names: &'static [&'static str]) -> Param {
    query("expand", "$expand", Kind::Enum(names), "A related collection to include. Default: none.")
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
}

/// How to get the pages of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// No pages.
    None,
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
}

impl Paging {
    /// The word of the machine-readable declaration.
    pub const fn name(self) -> &'static str {
        match self {
            Paging::None => "none",
            Paging::NextLink { .. } => "next link",
            Paging::Skip { .. } => "skip",
        }
    }

    /// The largest page.
    pub const fn page_max(self) -> Option<u32> {
        match self {
            Paging::None => None,
            Paging::NextLink { page_max } | Paging::Skip { page_max } => Some(page_max),
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
}

impl Quota {
    /// Most Endpoint calls.
    pub const ENDPOINT: Quota = Quota { name: "endpoint", per_minute: 100, per_hour: 1500 };
    /// XDR incidents.
    pub const INCIDENTS: Quota = Quota { name: "xdr incidents", per_minute: 50, per_hour: 1500 };
    /// Graph security.
    pub const GRAPH: Quota = Quota { name: "graph security", per_minute: 150, per_hour: 0 };
    /// Hunting on the Endpoint service.
    pub const HUNTING_ENDPOINT: Quota = Quota { name: "endpoint hunting", per_minute: 45, per_hour: 1500 };
    /// Hunting on XDR.
    pub const HUNTING_XDR: Quota = Quota { name: "xdr hunting", per_minute: 45, per_hour: 0 };
    /// Hunting on Graph.
    pub const HUNTING_GRAPH: Quota = Quota { name: "graph hunting", per_minute: 45, per_hour: 0 };
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
        self.safety = Safety::Idempotent;
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
    assert!(!op.app_permissions.is_empty() && !op.delegated_permissions.is_empty(), "an operation names its permissions");
    assert!(matches!(op.returns, Returns::Many(_)) != matches!(op.paging, Paging::None), "lists have pages and nothing else has");
    let (mut in_path, mut i) = (0, 0);
    while i < op.params.len() {
        let p = &op.params[i];
        if matches!(p.place, Place::Path) {
            assert!(placeholders(op.path, p.wire) == 1, "a path parameter stands in the template once");
            assert!(p.required, "a path parameter is required");
            in_path += 1;
        }
        if matches!(p.place, Place::Body) {
            assert!(!matches!(op.method, Method::Get), "a GET has no body");
        }
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
