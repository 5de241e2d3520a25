//! Opening a page in the browser of whoever sits at this machine.
//!
//! The systems' own ways differ, and so do the ways in which they fail: without a display the usual helper starts a browser inside the terminal,
//! and in the Linux that runs under Windows the file manager opens for a long address. Here every way either works or says that it did not, so
//! that the sign-in can go on by another one.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// An opener that has not ended by then is the browser itself.
const PATIENCE: Duration = Duration::from_secs(4);

/// What openers depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Desk {
    Windows,
    Mac,
    /// Linux under Windows: the browser is on the other side.
    Wsl,
    Linux,
    /// Nobody sits here.
    None,
}

/// Opens a page of the login host. False: nothing was opened. It may block for some seconds.
pub fn open_page(url: &str) -> bool {
    // It goes into command lines and, in one case, into a script: sign-in pages are made of nothing else.
    let is_plain = url.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%&=?:/".contains(&b));
    is_plain && commands(desk(), url).iter().any(|command| run(command, PATIENCE))
}

fn desk() -> Desk {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
    desk_of(std::env::consts::OS, &kernel, has_display)
}

fn desk_of(system: &str, kernel: &str, has_display: bool) -> Desk {
    match system {
        "windows" => Desk::Windows,
        "macos" => Desk::Mac,
        _ if kernel.to_ascii_lowercase().contains("microsoft") => Desk::Wsl,
        _ if has_display => Desk::Linux,
        _ => Desk::None,
    }
}

/// The ways to try, in order.
fn commands(desk: Desk, url: &str) -> Vec<Vec<String>> {
    let script = format!("Start-Process '{url}'");
    let all: &[&[&str]] = match desk {
        Desk::Windows => &[&["rundll32.exe", "url.dll,FileProtocolHandler", url]],
        Desk::Mac => &[&["/usr/bin/open", url]],
        Desk::Wsl => &[&["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", &script], &["wslview", url]],
        Desk::Linux => &[&["xdg-open", url], &["gio", "open", url]],
        Desk::None => &[],
    };
    all.iter().map(|words| words.iter().map(|w| (*w).to_owned()).collect()).collect()
}

/// Runs an opener: true if it ended well, or has not ended after a while.
fn run(command: &[String], patience: Duration) -> bool {
    let Some((program, arguments)) = command.split_first() else { return false };
    let quiet = || Stdio::null();
    let Ok(mut child) = Command::new(program).args(arguments).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn() else {
        return false;
    };
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Err(_) => return false,
            Ok(None) if began.elapsed() >= patience => return true,
            Ok(None) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://login.example/a?b=c%20d&e=f";

    #[test]
    fn each_desk_has_its_openers() {
        let programs = |desk| commands(desk, URL).iter().map(|c| c[0].clone()).collect::<Vec<_>>().join(" ");
        let wsl = desk_of("linux", "5.15.90.1-microsoft-standard-WSL2\n", true);
        assert_eq!(programs(wsl), "powershell.exe wslview");
        assert_eq!(commands(wsl, URL)[0].last().unwrap(), &format!("Start-Process '{URL}'"));
        assert_eq!(programs(desk_of("linux", "6.1.0-generic", true)), "xdg-open gio");
        assert_eq!(programs(desk_of("linux", "6.1.0-generic", false)), "", "a browser inside the terminal is no browser");
        assert_eq!(programs(desk_of("macos", "", false)), "/usr/bin/open");
        assert_eq!(programs(desk_of("windows", "", false)), "rundll32.exe");
    }

    #[test]
    fn what_could_end_a_quotation_is_never_opened() {
        for bad in ["https://a/'; calc; '", "https://a/$(x)", "https://a/ b", "https://a/`x`", "https://a/\"x", "https://a/\u{2019}"] {
            assert!(!open_page(bad), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_opener_that_fails_is_not_taken_for_one_that_works() {
        let run = |words: &[&str]| run(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>(), Duration::from_millis(50));
        assert!(run(&["true"]));
        assert!(!run(&["false"]));
        assert!(!run(&["no-such-opener-anywhere"]));
        assert!(run(&["sleep", "1"]), "one that stays is the browser itself");
    }
}
