//! What queries look up beside the tables: profiles of files, places of addresses, external data.
//!
//! Each answer is one that was registered, or follows from the tenant's tables. What is not known is not made up.

use super::{Taken, guess};
use crate::json::{Object, Value, object};
use crate::kql::{self, Catalog, Outside};
use crate::sandbox::House;
use crate::sandbox::ask::quoted;
use crate::sandbox::seed::{Entity, Tables, Tenant, Verdict};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What was registered.
#[derive(Clone, Debug, Default)]
pub(in crate::sandbox) struct Fixtures {
    external: HashMap<String, Arc<str>>,
    profiles: HashMap<String, Arc<Value>>,
    geo: Vec<(Network, Arc<Value>)>,
}

/// An address and how many of its leading bits count.
#[derive(Clone, Debug)]
struct Network {
    text: String,
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.trim().parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |b| b.trim().parse().ok().filter(|b| *b <= all))?;
        Some(Network { text: text.to_owned(), address, bits })
    }

    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => self.bits == 0 || (a.to_bits() ^ b.to_bits()) >> (32 - self.bits) == 0,
            (IpAddr::V6(a), IpAddr::V6(b)) => self.bits == 0 || (a.to_bits() ^ b.to_bits()) >> (128 - self.bits) == 0,
            _ => false,
        }
    }
}

/// The places of the story's addresses.
const PLACES: [(&str, &str, &str, f64, f64); 8] = [
    ("192.0.2.0/24", "United Kingdom", "Bristol", 51.45, -2.59),
    ("198.51.100.9", "Brazil", "São Paulo", -23.55, -46.63),
    ("198.51.100.23", "Moldova", "Chisinau", 47.01, 28.86),
    ("198.51.100.77", "Moldova", "Chisinau", 47.01, 28.86),
    ("198.51.100.88", "Vietnam", "Hanoi", 21.03, 105.85),
    ("198.51.100.140", "Seychelles", "Victoria", -4.62, 55.45),
    ("198.51.100.201", "Netherlands", "Amsterdam", 52.37, 4.9),
    ("203.0.113.201", "Singapore", "Singapore", 1.35, 103.82),
];

impl Fixtures {
    /// What the story needs: its addresses and its files.
    pub(in crate::sandbox) fn seeded(tenant: &Tenant) -> Fixtures {
        let mut out = Fixtures::default();
        if tenant.bare {
            return out;
        }
        for (network, country, city, latitude, longitude) in PLACES {
            let place = object([
                ("country", country.into()),
                ("state", "".into()),
                ("city", city.into()),
                ("latitude", latitude.into()),
                ("longitude", longitude.into()),
            ]);
            out.geo.extend(Network::parse(network).map(|n| (n, Arc::new(place))));
        }
        for alert in &tenant.alerts {
            for piece in &alert.evidence {
                let file = match &piece.entity {
                    Entity::File(file) => file,
                    Entity::Process(process) => &process.file,
                    _ => continue,
                };
                let bad = piece.verdict == Verdict::Malicious && file.publisher.is_empty();
                let profile = object([
                    ("SHA1", file.sha1.as_ref().into()),
                    ("SHA256", file.sha256.as_ref().into()),
                    ("MD5", file.md5.as_ref().into()),
                    ("FileSize", file.size.into()),
                    ("GlobalPrevalence", if file.publisher.is_empty() { 3i64.into() } else { 1_000_000i64.into() }),
                    ("GlobalFirstSeen", kql::format_datetime(alert.first_event).into()),
                    ("GlobalLastSeen", kql::format_datetime(alert.last_event).into()),
                    ("Signer", file.publisher.as_ref().into()),
                    ("Issuer", if file.publisher.is_empty() { "".into() } else { "Example Code Signing CA".into() }),
                    ("SignerHash", "".into()),
                    ("IsCertificateValid", (!file.publisher.is_empty()).into()),
                    ("IsRootSignerMicrosoft", file.publisher.starts_with("Microsoft").into()),
                    ("SignatureState", if file.publisher.is_empty() { "Unsigned".into() } else { "SignedValid".into() }),
                    ("IsExecutable", true.into()),
                    ("ThreatName", if bad { alert.threat_name.into() } else { "".into() }),
                    ("Publisher", file.publisher.as_ref().into()),
                    ("SoftwareName", "".into()),
                    ("ProfileAvailability", "Available".into()),
                ]);
                out.profile(profile);
            }
        }
        out
    }

    fn profile(&mut self, profile: Value) {
        let profile = Arc::new(profile);
        for key in ["SHA1", "SHA256", "MD5"] {
            if let Some(hash) = profile.get(key).and_then(Value::as_str).filter(|h| !h.is_empty()) {
                self.profiles.insert(hash.to_ascii_lowercase(), profile.clone());
            }
        }
    }

    /// All of them, to be registered again.
    pub(super) fn shown(&self) -> [(&'static str, Value); 3] {
        let geo = self.geo.iter().map(|(network, place)| (network.text.clone(), Value::clone(place))).collect();
        let mut profiles: Vec<&Arc<Value>> = self.profiles.values().collect();
        profiles.sort_by_key(|p| Arc::as_ptr(p));
        profiles.dedup_by_key(|p| Arc::as_ptr(p));
        let mut profiles: Vec<Value> = profiles.into_iter().map(|p| Value::clone(p)).collect();
        profiles.sort_by_key(Value::to_string);
        let mut external: Vec<(String, Value)> = self.external.iter().map(|(url, text)| (url.clone(), (**text).into())).collect();
        external.sort_by(|a, b| a.0.cmp(&b.0));
        [
            ("geo", Value::Object(geo)),
            ("file_profiles", Value::Array(profiles)),
            ("external", Value::Object(external.into_iter().collect())),
        ]
    }

    /// Registers what was shown.
    pub(in crate::sandbox) fn register(&mut self, given: &Value) -> Taken<()> {
        let part = |name: &str| given.get(name).filter(|v| !v.is_null());
        part("geo").map_or(Ok(()), |v| self.add_geo(v))?;
        part("file_profiles").map_or(Ok(()), |v| self.add_profiles(v))?;
        part("external").map_or(Ok(()), |v| self.add_external(v))
    }

    fn add_geo(&mut self, given: &Value) -> Taken<()> {
        const NAMES: [&str; 5] = ["country", "state", "city", "latitude", "longitude"];
        let mut fresh = Vec::new();
        for (text, place) in given.as_object().ok_or("geo: takes places by network")? {
            let network =
                Network::parse(text).ok_or_else(|| format!("geo: {text:?} is no address and no network such as \"203.0.113.0/24\""))?;
            let members = place.as_object().ok_or_else(|| format!("geo[{text:?}]: takes an object"))?;
            if let Some(key) = members.keys().find(|k| !NAMES.contains(&k.as_str())) {
                return Err(format!("geo[{text:?}]: no property {key:?}; there are {}.{}", NAMES.join(", "), guess(key, NAMES)));
            }
            let value = |name: &str| match (name, members.get(name).filter(|v| !v.is_null())) {
                ("latitude" | "longitude", given) => given.map_or(Ok(Value::Null), |v| {
                    v.as_f64().map(Value::from).ok_or_else(|| format!("geo[{text:?}].{name}: takes a number"))
                }),
                (_, None) => Ok("".into()),
                (_, Some(v)) => v.as_str().map(Value::from).ok_or_else(|| format!("geo[{text:?}].{name}: takes a text")),
            };
            let place: Object = NAMES.iter().map(|name| Ok(((*name).to_owned(), value(name)?))).collect::<Taken<_>>()?;
            fresh.push((network, Arc::new(Value::Object(place))));
        }
        self.geo.extend(fresh);
        Ok(())
    }

    fn add_profiles(&mut self, given: &Value) -> Taken<()> {
        let items = super::objects("file_profiles", given)?;
        for (at, item) in items.iter().enumerate() {
            let hash = |key: &str| item.get(key).and_then(Value::as_str).is_some_and(|h| !h.is_empty());
            if !["SHA1", "SHA256", "MD5"].into_iter().any(hash) {
                return Err(format!("file_profiles[{at}]: needs SHA1, SHA256 or MD5"));
            }
        }
        items.into_iter().for_each(|item| self.profile(Value::Object(item.clone())));
        Ok(())
    }

    fn add_external(&mut self, given: &Value) -> Taken<()> {
        let members = given.as_object().ok_or("external: takes texts by URL")?;
        let one = |(url, text): (&String, &Value)| {
            let text = text.as_str().ok_or_else(|| format!("external[{url:?}]: takes a text"))?;
            Ok((url.clone(), Arc::from(text)))
        };
        self.external.extend(members.iter().map(one).collect::<Taken<Vec<(String, Arc<str>)>>>()?);
        Ok(())
    }
}

pub(super) fn geo(house: &House, given: &Value) -> Taken<Value> {
    house.store().fixtures.add_geo(given).map(|()| Value::Null)
}

pub(super) fn file_profiles(house: &House, given: &Value) -> Taken<Value> {
    house.store().fixtures.add_profiles(given).map(|()| Value::Null)
}

pub(super) fn external(house: &House, given: &Value) -> Taken<Value> {
    house.store().fixtures.add_external(given).map(|()| Value::Null)
}

/// The tenant's tables with what is beside them; for a service that knows devices only, without the others.
pub(in crate::sandbox) struct Lookup {
    pub(in crate::sandbox) tables: Tables,
    pub(in crate::sandbox) fixtures: Fixtures,
    pub(in crate::sandbox) now: i64,
    pub(in crate::sandbox) devices_only: bool,
}

impl Lookup {
    fn knows(&self, name: &str) -> bool {
        !self.devices_only || name.starts_with("Device") || !self.tables.is_seeded(name)
    }
}

impl Catalog for Lookup {
    fn table(&self, name: &str) -> Option<Arc<kql::Table>> {
        if self.knows(name) { self.tables.table(name) } else { None }
    }

    fn table_names(&self) -> Vec<String> {
        self.tables.table_names().into_iter().filter(|n| self.knows(n)).collect()
    }

    fn lazy(&self, name: &str) -> Option<Arc<dyn kql::Lazy>> {
        if self.knows(name) { self.tables.lazy(name) } else { None }
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        Some(Arc::new(Beside { tables: self.tables.clone(), fixtures: self.fixtures.clone(), now: self.now }))
    }
}

struct Beside {
    tables: Tables,
    fixtures: Fixtures,
    now: i64,
}

impl Beside {
    /// The rows of a query as an array of objects.
    fn rows(&self, query: &str) -> Option<Arc<Value>> {
        let table = kql::run(query, &self.tables, &kql::Options::at(self.now)).ok()?.table;
        let row = |at: usize| {
            let cell = |c: &kql::Column| (c.name.to_string(), c.cells.get(at).map_or(Value::Null, |v| super::rows::json(&v)));
            Value::Object(table.columns.iter().map(cell).collect())
        };
        Some(Arc::new(Value::Array((0..table.rows).map(row).collect())))
    }
}

impl Outside for Beside {
    fn external(&self, url: &str) -> Option<Arc<str>> {
        self.fixtures.external.get(url).cloned()
    }

    fn file_profile(&self, hash: &str) -> Option<Arc<Value>> {
        self.fixtures.profiles.get(&hash.to_ascii_lowercase()).cloned()
    }

    fn geo(&self, address: &str) -> Option<Arc<Value>> {
        let address: IpAddr = address.trim().parse().ok()?;
        // The narrowest network; of two, the one that was registered last.
        self.fixtures.geo.iter().filter(|(network, _)| network.has(address)).max_by_key(|(network, _)| network.bits).map(|(_, p)| p.clone())
    }

    fn devices_of(&self, address: &str, at: i64) -> Option<Arc<Value>> {
        let moment = kql::format_datetime(at);
        self.rows(&format!(
            "DeviceNetworkInfo | where Timestamp between (datetime({moment}) - 1h .. datetime({moment})) \
             | mv-expand Address = todynamic(IPAddresses) | where tostring(Address.IPAddress) == {} \
             | distinct DeviceId | project IP = {}, DeviceId",
            quoted(address),
            quoted(address)
        ))
    }
}
