//! Objects made of a row: `pack_all`, `bag_pack_columns`, and the place of an address.

use super::super::ast::{Expr, ExprKind};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::scalar::{Function, Scalar};
use super::super::value::{Type, Value};
use super::{Binder, Bound, Site};
use std::sync::Arc;

impl Binder<'_> {
    pub(super) fn pack_all(&mut self, ignore_absent: bool, span: Span, site: Site<'_>) -> Try<Bound> {
        let names: Vec<Arc<str>> = site.fields.iter().map(|f| f.name.clone()).collect();
        let columns = site.fields.iter().enumerate().map(|(at, f)| Bound::leaf(Scalar::Column(at), f.ty)).collect();
        self.pack(names, columns, ignore_absent, span)
    }

    /// `bag_pack_columns`: columns under their own names.
    pub(super) fn pack_columns(&mut self, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for expr in exprs {
            let ExprKind::Name(name) = &expr.kind else {
                return Err(unsupported(expr.span, "bag_pack_columns() of what is no column"));
            };
            names.push(name.clone());
            columns.push(self.scalar(expr, site)?);
        }
        self.pack(names, columns, false, span)
    }

    fn pack(&mut self, names: Vec<Arc<str>>, columns: Vec<Bound>, ignore_absent: bool, span: Span) -> Try<Bound> {
        let absent = |v: &Value| v.is_null() || matches!(v, Value::String(s) if s.is_empty());
        let pack: Function = Arc::new(move |a: &[&Value]| {
            let kept = names.iter().zip(a).filter(|(_, v)| !(ignore_absent && absent(v)));
            let members = kept.map(|(n, v)| (n.to_string(), super::super::compare::to_json(v)));
            Ok(Value::dynamic(crate::json::Value::Object(members.collect())))
        });
        self.tree(columns, Type::Dynamic, span, |columns| Scalar::Apply(pack, columns, span, None))
    }

    /// Where an address is, from what is registered; an address that is not is nowhere.
    pub(super) fn geo_info(&mut self, address: &Expr, span: Span, site: Site<'_>) -> Try<Bound> {
        let bound = self.scalar(address, site)?;
        if !matches!(bound.ty, Type::String | Type::Dynamic) {
            let message = format!("argument 1 of 'geo_info_from_ip_address' must be a string, not a {}", bound.ty.name());
            return Err(semantic(address.span, message));
        }
        let Some(outside) = self.catalog.outside() else {
            return Err(unsupported(span, "the function 'geo_info_from_ip_address' without registered places"));
        };
        let text = self.cast(bound, Type::String, address.span)?;
        let find: Function = Arc::new(move |a: &[&Value]| {
            let place = a.first().and_then(|v| outside.geo(v.as_str().trim()));
            Ok(place.map_or(Value::Null, |place| if place.is_null() { Value::Null } else { Value::Dynamic(place) }))
        });
        self.apply(find, vec![text], Type::Dynamic, span)
    }
}
