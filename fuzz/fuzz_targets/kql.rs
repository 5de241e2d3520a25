//! Everything that reads a query's text: it never panics, an error lies inside of the text, and what is laid out stays so.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xdrkit::{hunt::schema::Schema, kql};

fuzz_target!(|data: &[u8]| {
    let Ok(query) = std::str::from_utf8(data) else { return };
    for error in [kql::describe(query, Schema::bundled()).err(), kql::format(query, 80, 4).err()].into_iter().flatten() {
        assert!(error.start <= error.end && error.end <= query.len(), "{error:?}");
        assert!(!error.message.contains("fault of the engine"), "{error:?}");
    }
    if let Ok(tidy) = kql::format(query, 80, 4) {
        assert_eq!(kql::format(&tidy, 80, 4).as_deref(), Ok(tidy.as_str()));
    }
    kql::complete(query, query.len() / 2, Schema::bundled());
    xdrkit::hunt::lint::lint(query, Schema::bundled());
});
