//! What the parser hands to the binder: the query as written, with the place of every part.

use super::error::Span;
use super::value::{Type, Value};
use crate::json;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: Arc<str>,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) kind: ExprKind,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// A string operator: what must be found where, whether case counts, whether the answer is turned round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextOp {
    pub(super) how: TextHow,
    pub(super) case_sensitive: bool,
    pub(super) negated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextHow {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
    Has,
    HasPrefix,
    HasSuffix,
    Regex,
}

#[derive(Clone, Debug)]
pub(super) enum ExprKind {
    Literal(Value, Type),
    /// `dynamic(...)`
    Dynamic(json::Value),
    Name(Arc<str>),
    /// `typeof(string)`
    TypeOf(Type),
    Star,
    Path(Box<Expr>, Name),
    Index(Box<Expr>, Box<Expr>),
    Call(Name, Vec<Arg>),
    Negate(Box<Expr>),
    Arith(Arith, Box<Expr>, Box<Expr>),
    Compare(Cmp, Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Text(TextOp, Box<Expr>, Box<Expr>),
    /// `in`, `in~` and their negations.
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        case_sensitive: bool,
        negated: bool,
    },
    /// `has_any`, `has_all`.
    HasList {
        value: Box<Expr>,
        list: Vec<Expr>,
        all: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    Query(Box<Pipeline>),
    Parens(Box<Expr>),
}

#[derive(Clone, Debug)]
pub(super) struct Arg {
    pub(super) name: Option<Name>,
    pub(super) expr: Expr,
}

/// `name = expr`, `(a, b) = expr` or a bare expression.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) names: Vec<Name>,
    pub(super) expr: Expr,
}

#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) source: Source,
    pub(super) ops: Vec<Operator>,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // One a pipeline.
pub(super) enum Source {
    /// A table's or a view's name, or a call that answers a table.
    Expr(Expr),
    Print(Vec<Named>),
    Range {
        column: Name,
        from: Expr,
        to: Expr,
        step: Expr,
    },
    Union(Union),
    DataTable {
        columns: Vec<(Name, Type)>,
        cells: Vec<Expr>,
    },
    External(External),
    Search(Search),
    Find(Find),
}

/// `externaldata (columns) [urls] with (properties)`
#[derive(Clone, Debug)]
pub(super) struct External {
    pub(super) columns: Vec<(Name, Type)>,
    pub(super) urls: Vec<Expr>,
    pub(super) with: Vec<(Name, Expr)>,
}

/// `search`: in a predicate, a text that stands alone is sought in every column.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// Where to look; in all tables if there are none.
    pub(super) tables: Vec<UnionPart>,
    /// None for `search *`.
    pub(super) predicate: Option<Expr>,
}

#[derive(Clone, Debug)]
pub(super) struct Find {
    pub(super) source_column: Option<Name>,
    pub(super) tables: Vec<UnionPart>,
    pub(super) predicate: Expr,
    /// The columns of `project`; none for `project-smart`.
    pub(super) project: Option<Vec<(Name, Option<Type>)>>,
}

#[derive(Clone, Debug)]
pub(super) struct Union {
    pub(super) inner: bool,
    pub(super) fuzzy: bool,
    pub(super) source_column: Option<Name>,
    pub(super) parts: Vec<UnionPart>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // One a table.
pub(super) enum UnionPart {
    Pipeline(Pipeline),
    /// `Device*`
    Wildcard(Name),
}

#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub(super) kind: OperatorKind,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinKind {
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftAnti,
    LeftSemi,
    RightAnti,
    RightSemi,
}

#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) expr: Expr,
    pub(super) ascending: bool,
    pub(super) nulls_first: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reorder {
    Asked,
    Ascending,
    Descending,
}

/// A column name, perhaps with `*` in it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: Arc<str>,
    pub(super) span: Span,
    pub(super) order: Reorder,
}

#[derive(Clone, Debug)]
pub(super) struct Expansion {
    pub(super) name: Option<Name>,
    pub(super) expr: Expr,
    pub(super) ty: Option<Type>,
}

#[derive(Clone, Debug)]
pub(super) enum ParsePiece {
    Star,
    Text(String),
    Column(Name, Type),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ParseHow {
    Simple,
    Relaxed,
    /// With its flags: letters of `regex`.
    Regex(String),
}

#[derive(Clone, Debug)]
pub(super) enum OperatorKind {
    Where(Expr),
    Project(Vec<Named>),
    ProjectAway(Vec<Pattern>),
    ProjectKeep(Vec<Pattern>),
    ProjectRename(Vec<(Name, Name)>),
    ProjectReorder(Vec<Pattern>),
    Extend(Vec<Named>),
    Summarize { aggregates: Vec<Named>, by: Vec<Named> },
    Distinct(Vec<Named>),
    DistinctAll,
    Take(Expr),
    Top { count: Expr, by: Order },
    Sort(Vec<Order>),
    Count(Option<Name>),
    Union(Union),
    Join { kind: JoinKind, right: Box<Pipeline>, on: Vec<Expr>, lookup: bool },
    MvExpand { items: Vec<Expansion>, index: Option<Name>, limit: Option<Expr>, arrays: bool },
    Parse { value: Expr, pieces: Vec<ParsePiece>, how: ParseHow, filter: bool },
    Render(String),
    As(Name),
    Serialize(Vec<Named>),
    GetSchema,
    Invoke { function: Name, args: Vec<Arg> },
    Evaluate { plugin: Name, args: Vec<Arg>, schema: Option<OutputSchema> },
    MakeSeries(MakeSeries),
    MvApply { items: Vec<Expansion>, index: Option<Name>, limit: Option<Expr>, ops: Vec<Operator> },
    Search(Search),
    TopNested(Vec<TopLevel>),
    TopHitters { count: Expr, of: Named, by: Option<Expr> },
    Partition { by: Name, sub: SubQuery, native: bool },
    Scan(Scan),
    Sample(Expr),
    SampleDistinct { count: Expr, of: Expr },
    Consume,
    ProjectByNames(Vec<Expr>),
}

/// What a plugin is said to answer: `: (*, a:string)`.
#[derive(Clone, Debug)]
pub(super) struct OutputSchema {
    /// Whether the columns of the input come first.
    pub(super) star: bool,
    pub(super) columns: Vec<(Name, Type)>,
}

#[derive(Clone, Debug)]
pub(super) struct MakeSeries {
    pub(super) nonempty: bool,
    /// Aggregates, each with what stands where there are no rows.
    pub(super) series: Vec<(Named, Option<Expr>)>,
    pub(super) axis: Named,
    pub(super) from: Option<Expr>,
    pub(super) to: Option<Expr>,
    pub(super) step: Expr,
    /// `in range(from, to, step)`: the end belongs to it, and bins begin at zero.
    pub(super) in_range: bool,
    pub(super) by: Vec<Named>,
}

#[derive(Clone, Debug)]
pub(super) struct TopLevel {
    /// All, if there is none.
    pub(super) count: Option<Expr>,
    pub(super) of: Named,
    pub(super) others: Option<Expr>,
    pub(super) by: Named,
    pub(super) ascending: bool,
}

/// What runs over each part of the rows.
#[derive(Clone, Debug)]
pub(super) enum SubQuery {
    /// `( operators )`, on the rows of the part.
    Ops(Vec<Operator>),
    /// `{ query }`, with a source of its own; it is read and refused.
    Braces,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Emit {
    All,
    Last,
    None,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: Name,
    pub(super) emit: Emit,
    pub(super) condition: Expr,
    pub(super) set: Vec<(Name, Expr)>,
}

#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) match_id: Option<Name>,
    pub(super) declared: Vec<(Name, Type, Option<Expr>)>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) struct Param {
    pub(super) name: Name,
    pub(super) kind: ParamKind,
    pub(super) default: Option<Expr>,
}

#[derive(Clone, Debug)]
pub(super) enum ParamKind {
    Scalar(Type),
    /// The columns that the table must have; none for `(*)`.
    Table(Vec<(Name, Type)>),
}

#[derive(Clone, Debug)]
pub(super) struct Lambda {
    pub(super) params: Vec<Param>,
    pub(super) lets: Vec<Let>,
    pub(super) body: Pipeline,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // One a statement.
pub(super) enum LetValue {
    Pipeline(Pipeline),
    Lambda(Arc<Lambda>),
}

#[derive(Clone, Debug)]
pub(super) struct Let {
    pub(super) name: Name,
    pub(super) value: LetValue,
}

#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) lets: Vec<Let>,
    pub(super) body: Pipeline,
}
