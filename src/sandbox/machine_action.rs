//! A machine action, and how it moves.
//!
//! Real ones take seconds to days. Here they follow the sandbox's clock, so that a test says how long it waits; and since a demonstration
//! should not have to wait at all, each look at an action counts as time, too: it finds it at least one stage further than the last look.

use crate::json::{Object, Value, object};

use super::clock::{self, DAY, SECOND};

/// How long an action waits for a machine that does not report.
const PATIENCE: i64 = 3 * DAY;
/// The error of an action that failed: file not found, as Windows numbers it.
const NOT_FOUND: i64 = -2_147_024_894;

/// How far a machine action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    TimeOut,
    Cancelled,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Stage::Pending => "Pending",
            Stage::InProgress => "InProgress",
            Stage::Succeeded => "Succeeded",
            Stage::Failed => "Failed",
            Stage::TimeOut => "TimeOut",
            Stage::Cancelled => "Cancelled",
        }
    }

    pub(super) fn is_final(self) -> bool {
        !matches!(self, Stage::Pending | Stage::InProgress)
    }
}

/// A command of a live response session, with what came of it.
#[derive(Clone, Debug)]
pub(super) struct Command {
    /// As it was asked for.
    pub(super) asked: Object,
    /// Why it fails, if it does.
    pub(super) failure: Option<String>,
    /// The name and content of what it leaves.
    pub(super) result: Option<(String, Vec<u8>)>,
}

/// Something that was asked of a machine.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) scope: String,
    pub(super) machine: String,
    pub(super) machine_name: String,
    /// Whether the machine reports; an action on one that does not stays where it is.
    pub(super) reachable: bool,
    /// Whether it will fail.
    pub(super) doomed: bool,
    pub(super) requestor: String,
    pub(super) comment: String,
    pub(super) external_id: Option<String>,
    /// The file that it is about, by its SHA-1.
    pub(super) file: Option<String>,
    pub(super) commands: Vec<Command>,
    pub(super) stage: Stage,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) cancelled: Option<(String, String, i64)>,
}

impl Action {
    /// Kinds that exclude each other on a machine share a class.
    pub(super) fn class(kind: &str) -> &str {
        match kind {
            "Unisolate" => "Isolate",
            "UnrestrictCodeExecution" => "RestrictCodeExecution",
            kind => kind,
        }
    }

    /// The permission that lets somebody ask for it, and cancel it.
    pub(super) fn permission(kind: &str) -> &'static str {
        match kind {
            "RunAntiVirusScan" => "Machine.Scan",
            "RestrictCodeExecution" | "UnrestrictCodeExecution" => "Machine.RestrictExecution",
            "CollectInvestigationPackage" | "LogsCollection" => "Machine.CollectForensics",
            "Offboard" => "Machine.Offboard",
            "StopAndQuarantineFile" => "Machine.StopAndQuarantine",
            "LiveResponse" => "Machine.LiveResponse",
            _ => "Machine.Isolate",
        }
    }

    /// When it begins and when it ends, after it was asked for.
    fn pace(&self) -> (i64, i64) {
        if self.kind == "LiveResponse" { (10 * SECOND, 45 * SECOND) } else { (5 * SECOND, 20 * SECOND) }
    }

    fn end(&self) -> Stage {
        if self.doomed { Stage::Failed } else { Stage::Succeeded }
    }

    /// Moves it to where it is by now. True: it has just ended well.
    pub(super) fn settle(&mut self, now: i64) -> bool {
        let age = now - self.created;
        let (begins, ends) = self.pace();
        let (stage, since) = match self.reachable {
            false if age >= PATIENCE => (Stage::TimeOut, PATIENCE),
            false => (Stage::Pending, 0),
            true if age >= ends => (self.end(), ends),
            true if age >= begins => (Stage::InProgress, begins),
            true => (Stage::Pending, 0),
        };
        self.stage < stage && self.go(stage, self.created + since)
    }

    /// A look at it by somebody who waits for it. True: it has just ended well.
    pub(super) fn look(&mut self, now: i64) -> bool {
        let before = self.stage;
        let done = self.settle(now);
        if self.stage != before || !self.reachable {
            return done;
        }
        match before {
            Stage::Pending => self.go(Stage::InProgress, now),
            Stage::InProgress => self.go(self.end(), now),
            _ => false,
        }
    }

    fn go(&mut self, stage: Stage, at: i64) -> bool {
        if self.stage.is_final() {
            return false;
        }
        self.stage = stage;
        self.updated = at;
        stage == Stage::Succeeded
    }

    /// The Endpoint service's `MachineAction`. A list spells the last update's key otherwise than the single one, as the service does.
    pub(super) fn endpoint(&self, listed: bool) -> Value {
        let (who, why, when) = match &self.cancelled {
            Some((who, why, when)) => (who.as_str().into(), why.as_str().into(), clock::iso(*when).into()),
            None => (Value::Null, Value::Null, Value::Null),
        };
        let file = self
            .file
            .as_ref()
            .map_or(Value::Null, |sha1| object([("fileIdentifier", sha1.as_str().into()), ("fileIdentifierType", "Sha1".into())]));
        object([
            ("id", self.id.as_str().into()),
            ("type", self.kind.into()),
            ("title", Value::Null),
            ("requestor", self.requestor.as_str().into()),
            ("requestorComment", self.comment.as_str().into()),
            ("status", self.stage.name().into()),
            ("machineId", self.machine.as_str().into()),
            ("computerDnsName", self.machine_name.as_str().into()),
            ("relatedFileInfo", file),
            ("creationDateTimeUtc", clock::iso(self.created).into()),
            (if listed { "lastUpdateTimeUtc" } else { "lastUpdateDateTimeUtc" }, clock::iso(self.updated).into()),
            ("cancellationRequestor", who),
            ("cancellationComment", why),
            ("cancellationDateTimeUtc", when),
            ("errorHResult", if self.stage == Stage::Failed { NOT_FOUND } else { 0 }.into()),
            ("scope", if self.scope.is_empty() { Value::Null } else { self.scope.as_str().into() }),
            ("commands", Value::Array(self.commands())),
            ("troubleshootInfo", Value::Null),
            ("externalId", self.external_id.clone().map_or(Value::Null, Value::from)),
            ("requestSource", "PublicApi".into()),
        ])
    }

    /// How many commands were begun: one that fails ends the session.
    fn begun(&self) -> usize {
        self.commands.iter().position(|c| c.failure.is_some()).map_or(self.commands.len(), |first| first + 1)
    }

    fn commands(&self) -> Vec<Value> {
        let ended = matches!(self.stage, Stage::Succeeded | Stage::Failed);
        let render = |(index, command): (usize, &Command)| {
            let begun = index < self.begun();
            let status = match self.stage {
                Stage::InProgress if index == 0 => "Executing",
                _ if ended && begun && command.failure.is_some() => "Failed",
                _ if ended && begun => "Completed",
                _ => "Created",
            };
            let moment = |there: bool, at: i64| if there { clock::iso(at).into() } else { Value::Null };
            let started = self.created + self.pace().0;
            let errors = command.failure.iter().filter(|_| ended && begun).map(|f| f.as_str().into()).collect();
            object([
                ("index", (index as i64).into()),
                ("startTime", moment(status != "Created", started.min(self.updated))),
                ("endTime", moment(ended && begun, self.updated)),
                ("commandStatus", status.into()),
                ("errors", Value::Array(errors)),
                ("command", Value::Object(command.asked.clone())),
            ])
        };
        self.commands.iter().enumerate().map(render).collect()
    }

    /// What the command of that index left, once it has run well.
    pub(super) fn result(&self, index: usize) -> Option<&(String, Vec<u8>)> {
        let ended = matches!(self.stage, Stage::Succeeded | Stage::Failed) && index < self.begun();
        self.commands.get(index).filter(|c| ended && c.failure.is_none())?.result.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(kind: &'static str, reachable: bool, doomed: bool) -> Action {
        Action {
            id: "a".into(),
            kind,
            scope: String::new(),
            machine: "m".into(),
            machine_name: "m".into(),
            reachable,
            doomed,
            requestor: "r".into(),
            comment: "c".into(),
            external_id: None,
            file: None,
            commands: Vec::new(),
            stage: Stage::Pending,
            created: 0,
            updated: 0,
            cancelled: None,
        }
    }

    #[test]
    fn the_clock_moves_an_action_and_a_look_moves_it_further() {
        let mut by_clock = action("Isolate", true, false);
        let stages: Vec<_> = [4, 6, 19, 21, 99].map(|s| (by_clock.settle(s * SECOND), by_clock.stage)).into();
        let expected = [
            (false, Stage::Pending),
            (false, Stage::InProgress),
            (false, Stage::InProgress),
            (true, Stage::Succeeded),
            (false, Stage::Succeeded),
        ];
        assert_eq!(stages, expected);
        let mut by_looks = action("Isolate", true, false);
        assert_eq!([by_looks.look(0), by_looks.look(0), by_looks.look(0)], [false, true, false]);
        let mut both = action("Isolate", true, false);
        both.look(6 * SECOND);
        assert_eq!(both.stage, Stage::InProgress, "what the clock has moved is not moved twice");
    }

    #[test]
    fn a_silent_machine_keeps_its_actions_waiting_for_three_days() {
        let mut silent = action("RunAntiVirusScan", false, false);
        assert!(!silent.look(60 * SECOND) && silent.stage == Stage::Pending);
        silent.settle(PATIENCE);
        assert_eq!(silent.stage, Stage::TimeOut);
        let mut doomed = action("StopAndQuarantineFile", true, true);
        assert!(!doomed.settle(DAY) && doomed.stage == Stage::Failed);
    }
}
