//! The Python face. The only files that know PyO3; they take out, call the core, and convert. No rule of the trade lives here.

mod arrow;
mod bridge;
mod choice;
mod client;
mod clock;
mod convert;
mod credential;
mod declaration;
mod errors;
mod exports;
mod frame;
mod gate;
mod kql;
mod logging;
#[cfg(unix)]
mod mailbox;
mod rows;
mod runtime;
mod sandbox;
mod sandbox_data;
mod stitch;
mod table;
mod tape;

use pyo3::prelude::*;

/// The native half of xdrkit. Use the package `xdrkit` instead.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::client::{PageCursor, PyClient};
    #[pymodule_export]
    use super::credential::PyCredential;
    #[pymodule_export]
    use super::credential::open_page;
    #[pymodule_export]
    use super::declaration::{hunting_schema, operations, permission_names, permissions_for, types};
    #[pymodule_export]
    use super::exports::{PyExport, PyExportRows, exports};
    #[pymodule_export]
    use super::frame::PyFrame;
    #[pymodule_export]
    use super::gate::_shutdown;
    #[pymodule_export]
    use super::kql::{kql_complete, kql_coverage, kql_describe, kql_format, kql_lint, kql_reads, kql_rows, kql_run};
    #[pymodule_export]
    use super::logging::set_log_level;
    #[pymodule_export]
    use super::runtime::{_panic_for_test, _panic_for_test_async, cli};
    #[pymodule_export]
    use super::sandbox::PySandbox;
    #[pymodule_export]
    use super::stitch::stitched;
    #[pymodule_export]
    use super::table::{PyHuntStream, PyTable, concat, read_parquet, table_of};
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::runtime::remember_main_thread();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let shutdown = module.getattr("_shutdown")?;
        module.py().import("atexit")?.call_method1("register", (shutdown,))?;
        Ok(())
    }
}
