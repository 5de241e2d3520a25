//! Where the services do otherwise than their documentation says.
//!
//! A client must live with both: with what is written, since a service may be mended, and with what is seen. So each difference has a name
//! and a switch, and says where it was seen.

use super::part::did_you_mean;

/// A difference between what is documented and what is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quirk {
    ErrorCode429,
    NoRetryAfter,
    NamelessNextLink,
    HealthEnds,
    QuotedPackageLink,
    BooleansAsNumbers,
    NullsAsObjects,
    Annotations,
    LayerErrors,
    EmptyLastPage,
}

use Quirk::{
    Annotations, BooleansAsNumbers, EmptyLastPage, ErrorCode429, HealthEnds, LayerErrors, NamelessNextLink, NoRetryAfter, NullsAsObjects,
    QuotedPackageLink,
};

/// Every quirk: its name, whether it is observed by default, what it is, and where that comes from.
const QUIRKS: [(Quirk, &str, bool, &str, &str); 10] = [
    (
        ErrorCode429,
        "error-code-429",
        true,
        "the code of a 429 is \"429\", where \"TooManyRequests\" is documented",
        "microsoft-365-docs issue 4616",
    ),
    (
        NoRetryAfter,
        "no-retry-after",
        true,
        "XDR's 429 says when to come again in its text alone, where a Retry-After header is documented",
        "common-errors.md against the XDR pages and microsoft-365-docs issue 4616",
    ),
    (
        NamelessNextLink,
        "nameless-next-link",
        true,
        "the machines' next link loses its parameters' names from the second page on",
        "microsoft-365-docs issue 8316",
    ),
    (HealthEnds, "av-health-ends", true, "the antivirus health's next links end at 10,000 items", "microsoft-365-docs issue 9713"),
    (
        QuotedPackageLink,
        "quoted-package-link",
        true,
        "the link to an investigation package stands in quotation marks within its text",
        "the page of getPackageUri shows both",
    ),
    (
        BooleansAsNumbers,
        "booleans-as-numbers",
        true,
        "hunting answers booleans as 0 and 1 of the type SByte, where Boolean is documented",
        "live captures; the Power BI page maps both",
    ),
    (
        NullsAsObjects,
        "nulls-as-objects",
        true,
        "Graph's hunting answers an empty object where there is no value, even in columns of numbers",
        "live captures of July 2026",
    ),
    (
        Annotations,
        "row-annotations",
        true,
        "Graph's hunting rows have @odata.type members among the columns, and dynamic values are objects, where text is documented",
        "live captures of July 2026",
    ),
    (
        LayerErrors,
        "odata-layer-errors",
        true,
        "options that are not valid are refused without a code, where ODataError is documented",
        "recorded answers of the Endpoint and XDR services",
    ),
    (
        EmptyLastPage,
        "empty-last-page",
        false,
        "a last page that is full has a next link, to a page without items",
        "Graph's paging page allows pages without items; not seen on these lists",
    ),
];

/// A set of quirks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks(u32);

impl Default for Quirks {
    /// What is observed.
    fn default() -> Quirks {
        Quirks(QUIRKS.iter().filter(|(_, _, observed, ..)| *observed).fold(0, |set, (quirk, ..)| set | bit(*quirk)))
    }
}

const fn bit(quirk: Quirk) -> u32 {
    1 << quirk as u32
}

impl Quirks {
    /// What is documented: none.
    pub const DOCUMENTED: Quirks = Quirks(0);

    /// Switches one on or off. An unknown name is told with those that there are.
    pub fn set(&mut self, name: &str, on: bool) -> Result<(), String> {
        let Some((quirk, ..)) = QUIRKS.iter().find(|(_, n, ..)| *n == name) else {
            let names = || QUIRKS.iter().map(|(_, name, ..)| *name);
            let guess = did_you_mean(name, names());
            return Err(format!("{name:?} is no quirk; there are {}.{guess}", names().collect::<Vec<_>>().join(", ")));
        };
        self.0 = if on { self.0 | bit(*quirk) } else { self.0 & !bit(*quirk) };
        Ok(())
    }

    /// Every quirk: its name, whether it is in the set, what it is, and where that comes from.
    pub fn list(self) -> impl Iterator<Item = (&'static str, bool, &'static str, &'static str)> {
        QUIRKS.iter().map(move |(quirk, name, _, what, source)| (*name, self.has(*quirk), *what, *source))
    }

    pub(super) fn has(self, quirk: Quirk) -> bool {
        self.0 & bit(quirk) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_are_switched_by_name() {
        let mut quirks = Quirks::default();
        assert_eq!(quirks.list().filter(|(_, on, ..)| *on).count(), 9);
        assert!(!quirks.has(EmptyLastPage) && quirks.has(LayerErrors));
        quirks.set("empty-last-page", true).unwrap();
        quirks.set("odata-layer-errors", false).unwrap();
        assert!(quirks.has(EmptyLastPage) && !quirks.has(LayerErrors));
        assert!(quirks.set("nulls-as-object", true).unwrap_err().contains("Did you mean \"nulls-as-objects\"?"));
        assert_eq!(Quirks::DOCUMENTED.list().filter(|(_, on, ..)| *on).count(), 0);
        assert!(QUIRKS.iter().enumerate().all(|(at, (quirk, ..))| *quirk as usize == at));
    }
}
