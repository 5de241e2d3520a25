//! Incidents that are added: empty ones, which alerts may name.

use super::props::Props;
use super::{Taken, objects};
use crate::json::{Object, Value, object};
use crate::sandbox::House;
use crate::sandbox::clock::SECOND;
use crate::sandbox::seed::*;

pub(super) fn add(house: &House, given: &Value) -> Taken<Value> {
    let now = house.clock.now();
    let mut store = house.store();
    let mut fresh: Vec<Incident> = Vec::new();
    for (at, members) in objects("incidents", given)?.into_iter().enumerate() {
        let next = store.tenant.incidents.iter().chain(&fresh).map(|i| i.id).max().unwrap_or(2100) + 1;
        let incident = read(&format!("incidents[{at}]"), members, &store.tenant, next, now)?;
        if store.tenant.incidents.iter().chain(&fresh).any(|i| i.id == incident.id) {
            return Err(format!("incidents[{at}].id: there is an incident {} already", incident.id));
        }
        fresh.push(incident);
    }
    let ids = fresh.iter().map(|i| Value::from(i.id.to_string())).collect();
    store.tenant.incidents.extend(fresh);
    Ok(object([("ids", Value::Array(ids))]))
}

/// An incident of the properties that are given, which are Graph's.
pub(super) fn read(place: &str, members: &Object, tenant: &Tenant, number: i64, now: i64) -> Taken<Incident> {
    let props = Props::new(place.to_owned(), members);
    let created = props.time("createdDateTime")?.unwrap_or(now - SECOND);
    let unset = |text: &str| text.eq_ignore_ascii_case("unknown");
    let classification = props.one_of("classification", "one of the service's classifications", |t| {
        if unset(t) { Some(None) } else { Classification::parse(t).map(Some) }
    })?;
    let determination = props.one_of("determination", "one of the service's determinations", |t| {
        if unset(t) { Some(None) } else { Determination::parse(t).map(Some) }
    })?;
    let incident = Incident {
        id: props.number("id")?.unwrap_or(number),
        name: props.shared("displayName")?.unwrap_or_else(|| "Incident that was added".into()),
        description: props.shared("description")?.unwrap_or_else(|| "".into()),
        tenant_id: tenant.id.as_str().into(),
        created,
        last_update: props.time("lastUpdateDateTime")?.unwrap_or(created),
        status: props.one_of("status", "one of the service's states", IncidentStatus::parse)?.unwrap_or(IncidentStatus::Active),
        severity: props
            .one_of("severity", "\"informational\", \"low\", \"medium\" or \"high\"", Severity::parse)?
            .unwrap_or(Severity::Informational),
        assigned_to: props.text("assignedTo")?.map(str::to_owned),
        classification: classification.flatten(),
        determination: determination.flatten(),
        tags: props.texts("customTags")?.unwrap_or_default(),
        system_tags: props.texts("systemTags")?.unwrap_or_default(),
        comments: Vec::new(),
        resolving_comment: props.text("resolvingComment")?.map(str::to_owned),
        last_modified_by: props.text("lastModifiedBy")?.map(str::to_owned),
        redirect_to: props.number("redirectIncidentId")?,
        alerts: Vec::new(),
    };
    props.end()?;
    Ok(incident)
}
