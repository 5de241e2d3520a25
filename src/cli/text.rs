//! Tables and steps for a terminal.

use crate::table::Table;
use std::io::{self, IsTerminal, Write};

/// Writes to standard output; colours only where a person looks and has not asked for none.
pub(super) struct Page<W: Write> {
    out: W,
    colour: bool,
    width: usize,
}

impl Page<io::StdoutLock<'static>> {
    pub(super) fn stdout() -> Page<io::StdoutLock<'static>> {
        let out = io::stdout();
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let colour = out.is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        Page { out: out.lock(), colour, width: columns.unwrap_or(120usize).clamp(60, 200) }
    }
}

impl<W: Write> Page<W> {
    #[cfg(test)]
    pub(super) fn to(out: W, width: usize) -> Page<W> {
        Page { out, colour: false, width }
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A heading with its number.
    pub(super) fn step(&mut self, number: usize, title: &str) -> io::Result<()> {
        let title = self.styled("1", &format!("{number}. {title}"));
        writeln!(self.out, "\n{title}")
    }

    /// A line of text.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "   {text}")
    }

    /// A line that tells a request.
    pub(super) fn request(&mut self, text: &str) -> io::Result<()> {
        let text = self.styled("2", &format!("→ {text}"));
        writeln!(self.out, "   {text}")
    }

    /// A name and its value.
    pub(super) fn fact(&mut self, name: &str, value: &str) -> io::Result<()> {
        let room = self.width.saturating_sub(18);
        let value =
            value.split('\n').map(|l| wrap(l, room).join(&format!("\n{:18}", ""))).collect::<Vec<_>>().join(&format!("\n{:18}", ""));
        writeln!(self.out, "   {name:<14} {value}")
    }

    /// Rows under a header; wide columns are cut with an ellipsis so that a row stays on a line.
    pub(super) fn table(&mut self, table: &Table, most: usize) -> io::Result<()> {
        let texts: Vec<Vec<String>> =
            (0..table.rows().min(most)).map(|row| table.texts(row).into_iter().map(|t| cell(&t.unwrap_or_default())).collect()).collect();
        let names: Vec<String> = table.columns().iter().map(|c| c.name.to_string()).collect();
        let widths = widths(&names, &texts, self.width.saturating_sub(3));
        let header = line(&names, &widths);
        let header = self.styled("1;4", header.trim_end());
        writeln!(self.out, "   {header}")?;
        for row in &texts {
            writeln!(self.out, "   {}", line(row, &widths).trim_end())?;
        }
        if table.rows() > most {
            writeln!(self.out, "   … {} more", table.rows() - most)?;
        }
        Ok(())
    }
}

fn cell(text: &str) -> String {
    let text = shorter_time(text);
    // What came from outside may not move the cursor.
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

/// People read seconds; the ticks are in the data.
fn shorter_time(text: &str) -> String {
    let is_time = text.len() > 19 && text.ends_with('Z') && text.get(10..11) == Some("T");
    match text.get(..19) {
        Some(start) if is_time => start.replace('T', " "),
        _ => text.to_owned(),
    }
}

fn widths(names: &[String], rows: &[Vec<String>], room: usize) -> Vec<usize> {
    let longest =
        |i: usize, name: &String| rows.iter().filter_map(|r| r.get(i)).map(|t| t.chars().count()).chain([name.chars().count()]).max();
    let mut widths: Vec<usize> = names.iter().enumerate().map(|(i, n)| longest(i, n).unwrap_or(0)).collect();
    // The widest gives way first.
    while widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1) > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 8 => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn line(texts: &[String], widths: &[usize]) -> String {
    let padded = texts.iter().zip(widths).map(|(text, width)| {
        let cut: String =
            if text.chars().count() > *width { text.chars().take(width.saturating_sub(1)).chain(['…']).collect() } else { text.clone() };
        let missing = width.saturating_sub(cut.chars().count());
        cut + &" ".repeat(missing)
    });
    padded.collect::<Vec<_>>().join("  ")
}

fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > room {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Decoder;

    #[test]
    fn a_table_fits_the_width_and_shows_no_control_characters() {
        let body = r#"{"schema":[{"name":"Timestamp","type":"DateTime"},{"name":"Text","type":"String"}],
            "results":[{"Timestamp":"2026-11-01T01:02:03.1234567Z","Text":"a\u001b[31m very long text that goes on and on and on and on and on"},{"Timestamp":null,"Text":"b"}]}"#;
        let mut out = Vec::new();
        let mut decoder = Decoder::hunting();
        decoder.push(body.as_bytes()).unwrap();
        Page::to(&mut out, 60).table(&decoder.finish().unwrap().table, 1).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|l| l.chars().count() <= 60), "{text}");
        assert!(text.contains("2026-11-01 01:02:03") && text.contains("a·[31m") && text.contains('…') && text.contains("1 more"), "{text}");
    }
}
