//! What comes from beside the tables: `externaldata` and `invoke`.

use super::super::ast::{self, Arg, Expr, ExprKind, Name};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::exec::{DeviceFromIp, External, FileProfile, Format, PROFILES_MOST, SeenBy};
use super::super::plan::{Op, Plan};
use super::super::scalar::{Batch, Scalar};
use super::super::value::{Type, Value};
use super::name::Namer;
use super::{Binder, Binding, Env, Field, Relation, Site};
use std::sync::Arc;

/// The columns that `FileProfile` adds.
pub(in super::super) const FILE_PROFILE: [(&str, Type); 18] = [
    ("SHA1", Type::String),
    ("SHA256", Type::String),
    ("MD5", Type::String),
    ("FileSize", Type::Int),
    ("GlobalPrevalence", Type::Int),
    ("GlobalFirstSeen", Type::DateTime),
    ("GlobalLastSeen", Type::DateTime),
    ("Signer", Type::String),
    ("Issuer", Type::String),
    ("SignerHash", Type::String),
    ("IsCertificateValid", Type::Bool),
    ("IsRootSignerMicrosoft", Type::Bool),
    ("SignatureState", Type::String),
    ("IsExecutable", Type::Bool),
    ("ThreatName", Type::String),
    ("Publisher", Type::String),
    ("SoftwareName", Type::String),
    ("ProfileAvailability", Type::String),
];

/// How many records `FileProfile` enriches when it is not told, and at most.
const PROFILES: i64 = 100;

impl Binder<'_> {
    pub(super) fn external(&mut self, external: &ast::External, env: &Env) -> Try<Relation> {
        let mut namer = Namer::new([]);
        let mut fields = Vec::new();
        for (name, ty) in &external.columns {
            fields.push(Field { name: self.claim(name, &mut namer)?, ty: *ty });
        }
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        let mut urls = Vec::new();
        for url in &external.urls {
            match self.scalar(url, site)?.constant() {
                Some(Value::String(text)) => urls.push((text.clone(), url.span)),
                _ => return Err(semantic(url.span, "the addresses of externaldata are constant texts")),
            }
        }
        let (mut format, mut skip_first) = (None, false);
        for (name, value) in &external.with {
            let text = match &value.kind {
                ExprKind::Name(text) => text.clone(),
                ExprKind::Literal(value, _) => super::super::compare::to_text(value),
                _ => return Err(semantic(value.span, "a property of externaldata is a literal")),
            };
            match name.text.to_lowercase().as_str() {
                "format" => format = Some(format_of(&text, value.span)?),
                "ignorefirstrecord" => {
                    skip_first = match text.to_lowercase().as_str() {
                        "true" => true,
                        "false" => false,
                        _ => return Err(semantic(value.span, "ignoreFirstRecord: true or false")),
                    };
                }
                _ => return Err(unsupported(name.span, format!("the property '{}' of externaldata", name.text))),
            }
        }
        let format = match (format, urls.first()) {
            (Some(format), _) => format,
            (None, Some((url, span))) => by_extension(url, *span)?,
            (None, None) => Format::Delimited(','),
        };
        if skip_first && matches!(format, Format::Json | Format::Raw) {
            return Err(unsupported(urls.first().map_or(Span::default(), |u| u.1), "ignoreFirstRecord with this format of externaldata"));
        }
        let columns = fields.iter().map(|f| (f.name.clone(), f.ty)).collect();
        let step = External { outside: self.catalog.outside(), urls, columns, format, skip_first };
        let nothing = Plan::Values(Batch::default());
        let plan = Plan::Pipe(Box::new(nothing), vec![Op::Step(Arc::new(step))]);
        Ok(Relation { fields, plan, serialized: false, name: "".into(), depth: 1 })
    }

    pub(super) fn invoke(&mut self, input: Relation, function: &Name, args: &[Arg], span: Span, env: &Env) -> Try<Relation> {
        if let Some(Binding::Function(lambda, inner)) = env.find(&function.text).cloned() {
            let fed: Arc<str> = "the rows before invoke".into();
            let serialized = input.serialized;
            let input = self.share(input);
            let outer = env.with(&fed, Binding::Table(input));
            let table = Arg { name: None, expr: Expr { kind: ExprKind::Name(fed), span } };
            let args: Vec<Arg> = std::iter::once(table).chain(args.iter().cloned()).collect();
            return match self.call_lambda(&lambda, &inner, &args, span, None, &outer)? {
                Binding::Table(relation) => Ok(Relation { serialized: serialized && relation.serialized, ..relation }),
                _ => Err(semantic(span, format!("'{}' answers no table", function.text))),
            };
        }
        match function.text.as_ref() {
            "FileProfile" => self.file_profile(input, args, span, env),
            "SeenBy" => {
                if let Some(arg) = args.first() {
                    return Err(semantic(arg.expr.span, "SeenBy takes no arguments"));
                }
                let device = self.column(&input.fields, &Name { text: "DeviceId".into(), span })?;
                if input.fields.iter().any(|f| f.name.as_ref() == "SeenBy") {
                    return Err(semantic(span, "two columns are named 'SeenBy'"));
                }
                let mut fields = input.fields.clone();
                fields.push(Field { name: "SeenBy".into(), ty: Type::Dynamic });
                let step = SeenBy { outside: self.catalog.outside(), device, span };
                let serialized = input.serialized;
                Ok(self.piped(input, vec![Op::Step(Arc::new(step))], fields, serialized))
            }
            "DeviceFromIP" => self.device_from_ip(input, args, span, env),
            _ => Err(unsupported(function.span, format!("invoke of '{}', which no let statement defines", function.text))),
        }
    }

    /// A column that an argument names, bare or as a text.
    pub(super) fn named_column(&mut self, input: &Relation, arg: &Arg) -> Try<usize> {
        let text = match &arg.expr.kind {
            ExprKind::Name(text) | ExprKind::Literal(Value::String(text), Type::String) => text.clone(),
            _ => return Err(semantic(arg.expr.span, "expected the name of a column")),
        };
        let at = self.column(&input.fields, &Name { text, span: arg.expr.span })?;
        if input.fields.get(at).is_none_or(|f| f.ty != Type::String) {
            return Err(semantic(arg.expr.span, "the column must be a string"));
        }
        Ok(at)
    }

    fn file_profile(&mut self, input: Relation, args: &[Arg], span: Span, env: &Env) -> Try<Relation> {
        let by_default = Arg { name: None, expr: Expr { kind: ExprKind::Name("SHA1".into()), span } };
        let hash = self.named_column(&input, args.first().unwrap_or(&by_default))?;
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        let most = match args.get(1) {
            Some(most) => self.whole(&most.expr, site)?,
            None => PROFILES,
        };
        if args.len() > 2 || most < 1 {
            return Err(semantic(span, format!("FileProfile takes a column and a number of records, from 1 to {PROFILES_MOST}")));
        }
        let mut fields = input.fields.clone();
        // What the event says of the file stays; the profile adds what the event does not say.
        let columns: Vec<_> = FILE_PROFILE.into_iter().filter(|(name, _)| !input.fields.iter().any(|f| f.name.as_ref() == *name)).collect();
        fields.extend(columns.iter().map(|(name, ty)| Field { name: (*name).into(), ty: *ty }));
        let step = FileProfile { outside: self.catalog.outside(), hash, most: usize::try_from(most).unwrap_or(0), columns, span };
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Step(Arc::new(step))], fields, serialized))
    }

    fn device_from_ip(&mut self, input: Relation, args: &[Arg], span: Span, env: &Env) -> Try<Relation> {
        let by_default = Arg { name: None, expr: Expr { kind: ExprKind::Name("IP".into()), span } };
        let address = self.named_column(&input, args.first().unwrap_or(&by_default))?;
        if args.len() > 2 {
            return Err(semantic(span, "DeviceFromIP takes a column of addresses and a moment"));
        }
        let at = match args.get(1) {
            None => Err(self.options.now),
            Some(arg) => {
                let site = Site { fields: &input.fields, env, serialized: false, aggregates: None };
                let bound = self.scalar(&arg.expr, site)?;
                match (&bound.scalar, bound.ty) {
                    (Scalar::Column(at), Type::DateTime) => Ok(*at),
                    (Scalar::Const(Value::DateTime(moment)), _) => Err(*moment),
                    _ => return Err(semantic(arg.expr.span, "the moment is a datetime: a column or a constant")),
                }
            }
        };
        let step = DeviceFromIp { outside: self.catalog.outside(), address, at, span };
        let fields = ["IP", "DeviceId"].map(|name| Field { name: name.into(), ty: Type::String }).to_vec();
        Ok(self.piped(input, vec![Op::Step(Arc::new(step))], fields, false))
    }
}

fn format_of(name: &str, span: Span) -> Try<Format> {
    Ok(match name.to_lowercase().as_str() {
        "csv" => Format::Delimited(','),
        "tsv" => Format::Delimited('\t'),
        "psv" => Format::Delimited('|'),
        "scsv" => Format::Delimited(';'),
        "sohsv" => Format::Delimited('\u{1}'),
        "txt" => Format::Lines,
        "raw" => Format::Raw,
        "json" | "multijson" => Format::Json,
        _ => return Err(unsupported(span, format!("the format '{name}' of externaldata"))),
    })
}

/// The format that a file's name tells; a name that tells nothing is a CSV.
fn by_extension(url: &str, span: Span) -> Try<Format> {
    let path = url.split(['?', ';', '#']).next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    let file = file.strip_suffix(".gz").or(file.strip_suffix(".zip")).unwrap_or(&file);
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some(
            known @ ("csv" | "tsv" | "psv" | "scsv" | "sohsv" | "txt" | "raw" | "json" | "multijson" | "avro" | "parquet" | "orc" | "tsve"),
        ) => format_of(known, span),
        _ => Ok(Format::Delimited(',')),
    }
}
