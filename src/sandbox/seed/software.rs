//! The software on the machines and what is wrong with it: one catalogue, from which the hunting tables and the REST answers are both made.

use super::entities::Machine;

/// A product as one kind of machine has it.
#[derive(Debug, PartialEq)]
pub struct Product {
    /// The beginning of the systems' names that have it.
    pub systems: &'static str,
    /// Vendor, in lower case.
    pub vendor: &'static str,
    /// Name, in lower case.
    pub name: &'static str,
    /// Version.
    pub version: &'static str,
    /// The newest version; empty: this is it.
    pub newest: &'static str,
    /// Its vulnerability; empty: none.
    pub cve: &'static str,
    /// The number of the update that mends it; empty: no update of Windows.
    pub kb: &'static str,
}

/// A vulnerability.
#[derive(Debug, PartialEq)]
pub struct Weakness {
    /// CVE id.
    pub id: &'static str,
    /// `Low`, `Medium`, `High` or `Critical`.
    pub severity: &'static str,
    /// CVSS 3 base score.
    pub cvss: f64,
    /// CVSS 3 vector.
    pub vector: &'static str,
    /// The day on which it was made known.
    pub published: &'static str,
    /// Whether an exploit is to be had.
    pub exploit: bool,
    /// One sentence.
    pub description: &'static str,
}

#[rustfmt::skip]
const fn product(
    systems: &'static str, vendor: &'static str, name: &'static str, version: &'static str, newest: &'static str, cve: &'static str, kb: &'static str,
) -> Product {
    Product { systems, vendor, name, version, newest, cve, kb }
}

/// Every product.
#[rustfmt::skip]
pub const PRODUCTS: &[Product] = &[
    product("Windows", "microsoft", "edge_chromium-based", "142.0.3595.53", "", "", ""),
    product("Windows", "microsoft", "office", "16.0.19328.20178", "", "", ""),
    product("Windows", "7-zip", "7-zip", "22.1.0.0", "25.1.0.0", "CVE-2025-0411", ""),
    product("Windows", "google", "chrome", "141.0.7390.65", "142.0.7444.60", "CVE-2025-12036", ""),
    product("Windows", "larkmoor", "lenscad", "8.2.1", "", "", ""),
    product("Windows11", "microsoft", "windows_11", "10.0.26100.6584", "10.0.26100.7171", "CVE-2025-62215", "5068861"),
    product("Windows10", "microsoft", "windows_10", "10.0.19045.6332", "10.0.19045.6575", "CVE-2025-62215", "5068781"),
    product("WindowsServer2016", "microsoft", "windows_server_2016", "10.0.14393.7428", "10.0.14393.8148", "CVE-2025-33073", "5061010"),
    product("WindowsServer2019", "microsoft", "sql_server_2019", "15.0.4430.1", "15.0.4435.7", "CVE-2025-49719", "5058722"),
    product("Linux", "openbsd", "openssh", "9.6", "9.8", "CVE-2024-6387", ""),
    product("Linux", "haxx", "curl", "8.5.0", "8.7.1", "CVE-2024-2398", ""),
    product("macOS", "google", "chrome_for_mac", "142.0.7444.60", "", "", ""),
];

#[rustfmt::skip]
const fn weakness(
    id: &'static str, severity: &'static str, cvss: f64, vector: &'static str, published: &'static str, exploit: bool, description: &'static str,
) -> Weakness {
    Weakness { id, severity, cvss, vector, published, exploit, description }
}

/// Every vulnerability.
#[rustfmt::skip]
pub const WEAKNESSES: &[Weakness] = &[
    weakness("CVE-2024-2398", "Medium", 6.5, "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H", "2024-03-27", false, "Headers of an HTTP/2 server push are not freed when their number is exceeded."),
    weakness("CVE-2024-6387", "High", 8.1, "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", "2024-07-01", true, "A signal handler race in the server lets an unauthenticated caller run code."),
    weakness("CVE-2025-0411", "High", 7.0, "CVSS:3.1/AV:L/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:H", "2025-01-25", true, "Extracted files lose the mark of the web."),
    weakness("CVE-2025-12036", "High", 8.8, "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", "2025-10-22", true, "A crafted page reads and writes out of bounds in the script engine."),
    weakness("CVE-2025-33073", "High", 8.8, "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "2025-06-10", true, "A caller with an account raises its privilege through the SMB client."),
    weakness("CVE-2025-49719", "High", 7.5, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "2025-07-08", true, "Uninitialised memory of the database server is sent to the caller."),
    weakness("CVE-2025-62215", "High", 7.0, "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:H/I:H/A:H", "2025-11-11", true, "A race in the kernel lets a local account raise its privilege."),
];

impl Product {
    /// The service's id: `vendor-_-name`.
    pub fn id(&self) -> String {
        format!("{}-_-{}", self.vendor, self.name)
    }

    /// Whether that machine has it.
    pub fn is_on(&self, machine: &Machine) -> bool {
        machine.os.platform.starts_with(self.systems)
    }

    /// `Operating System` or `Application`.
    pub fn category(&self) -> &'static str {
        if self.name.starts_with("windows_") { "Operating System" } else { "Application" }
    }

    /// Its vulnerability.
    pub fn weakness(&self) -> Option<&'static Weakness> {
        WEAKNESSES.iter().find(|w| w.id == self.cve)
    }

    /// Whether the vendor's help has an end that can be seen.
    pub fn ends(&self) -> bool {
        self.name.ends_with("2016") || self.name == "windows_10"
    }
}

impl Weakness {
    /// How likely it is to be used within 30 days.
    pub fn epss(&self) -> f64 {
        if self.exploit { 0.37 } else { 0.004 }
    }

    /// The products that have it.
    pub fn products(&self) -> impl Iterator<Item = &'static Product> {
        PRODUCTS.iter().filter(|p| p.cve == self.id)
    }
}

/// What is on a machine.
pub fn on(machine: &Machine) -> impl Iterator<Item = &'static Product> {
    PRODUCTS.iter().filter(|p| p.is_on(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vulnerability_that_is_named_is_described() {
        for product in PRODUCTS {
            assert_eq!(product.weakness().is_some(), !product.cve.is_empty(), "{}", product.name);
            assert_eq!(product.newest.is_empty(), product.cve.is_empty(), "{}", product.name);
        }
        assert!(WEAKNESSES.iter().all(|w| w.products().next().is_some()));
    }
}
