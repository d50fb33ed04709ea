//! A plot of rates as SVG: groups of bars on a logarithmic scale, because the slowest and the fastest lie a thousandfold apart.

use std::fmt::Write as _;

const WIDTH: f64 = 900.0;
/// Where the bars begin: left of it stands who they are.
const LEFT: f64 = 250.0;
/// Right of the longest bar stands its number.
const RIGHT: f64 = 90.0;
const BAR: f64 = 16.0;
const GAP: f64 = 5.0;
const HEAD: f64 = 26.0;

/// Colours for a light page, and for a dark one where the reader's system says so.
const STYLE: &str = "\
.page{fill:#fff}.word{fill:#1f2430}.scale{fill:#5b6475}.line{stroke:#dfe3ea}.ours{fill:#2a6fdb}.other{fill:#9aa5b8}\
@media(prefers-color-scheme:dark){.page{fill:#14171f}.word{fill:#e8ebf2}.scale{fill:#9aa5b8}.line{stroke:#2c3240}\
.ours{fill:#5b97f5}.other{fill:#6b7488}}";

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub name: String,
    /// Records per second.
    pub rate: f64,
    /// It stands out.
    pub ours: bool,
}

/// Draws named groups of bars.
pub fn bars(title: &str, groups: &[(String, Vec<Bar>)]) -> String {
    let rates = || groups.iter().flat_map(|(_, bars)| bars.iter().map(|bar| bar.rate.max(1.0).log10()));
    let (low, high) = (rates().fold(f64::MAX, f64::min).floor(), rates().fold(1.0, f64::max).ceil());
    let low = if groups.is_empty() { 0.0 } else { low.min(high - 1.0) };
    let along = |decade: f64| LEFT + (WIDTH - LEFT - RIGHT) * (decade - low) / (high - low);
    let rows: usize = groups.iter().map(|(_, bars)| bars.len()).sum();
    let top = 60.0;
    let height = top + groups.len() as f64 * (HEAD + GAP) + rows as f64 * (BAR + GAP) + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" class=\"page\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"bold\" class=\"word\">{}</text>\n",
        escaped(title)
    );
    let mut decade = low;
    while decade <= high {
        let x = along(decade);
        let _ = write!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" class=\"line\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" class=\"scale\">{}</text>\n",
            top - 8.0,
            height - 20.0,
            top - 14.0,
            told(10_f64.powf(decade))
        );
        decade += 1.0;
    }
    let mut y = top;
    for (name, bars) in groups {
        let _ = writeln!(
            svg,
            "<text x=\"16\" y=\"{:.1}\" font-weight=\"bold\" class=\"word\">{}</text>",
            y + 16.0,
            escaped(name)
        );
        y += HEAD;
        for Bar { name, rate, ours } in bars {
            let end = along(rate.max(1.0).log10()).max(LEFT + 1.0);
            let class = if *ours { "ours" } else { "other" };
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" class=\"word\">{}</text>\n\
                 <rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\" class=\"{class}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" class=\"word\">{}</text>\n",
                LEFT - 8.0,
                y + 12.5,
                escaped(name),
                end - LEFT,
                end + 6.0,
                y + 12.5,
                told(*rate)
            );
            y += BAR + GAP;
        }
        y += GAP;
    }
    svg.push_str("</svg>\n");
    svg
}

/// A rate in a few characters.
fn told(rate: f64) -> String {
    match rate {
        r if r >= 1e6 => format!("{:.1}M/s", r / 1e6),
        r if r >= 1e4 => format!("{:.0}k/s", r / 1e3),
        r if r >= 1e3 => format!("{:.1}k/s", r / 1e3),
        r => format!("{r:.0}/s"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_decades() {
        let bar = |name: &str, rate| Bar { name: name.into(), rate, ours: name == "ours" };
        let groups = vec![("a < b".to_owned(), vec![bar("ours", 1e4), bar("x", 100.0), bar("y", 1000.0)])];
        let svg = bars("Rates", &groups);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b"));
        let widths: Vec<f64> = svg
            .split("rx=\"2\"")
            .zip(svg.split("<rect x=").skip(1))
            .filter_map(|(_, bar)| bar.split("width=\"").nth(1)?.split('"').next()?.parse().ok())
            .collect();
        assert_eq!(widths, [560.0, 1.0, 280.0]);
        assert_eq!(svg.matches("class=\"ours\"").count(), 1, "ours stands out");
    }

    #[test]
    fn rates_are_told_shortly() {
        for (rate, text) in [(3.0, "3/s"), (1234.0, "1.2k/s"), (56_789.0, "57k/s"), (2e6, "2.0M/s")] {
            assert_eq!(told(rate), text);
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(bars("Rates", &[]).ends_with("</svg>\n"));
    }
}
