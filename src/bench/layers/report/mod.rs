//! A run as a page of Markdown for the documentation, and as one static page with plots for a browser.

pub(crate) mod html;
mod plots;
pub(crate) mod tables;

pub(crate) use plots::PlotError;

/// Text that stands in HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
