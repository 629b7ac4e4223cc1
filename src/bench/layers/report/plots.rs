//! Plots as SVG: lines over the size of a model, and bars of choices. Axes count powers of ten: costs span many of them.
//!
//! Text and grid take the page's own colour, so that one drawing is readable on a light page and on a dark one.

use std::error::Error;

use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, Rectangle, Text};
use plotters::prelude::SVGBackend;
use plotters::series::LineSeries;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle};

/// What a plot says where text stands; replaced by the page's colour.
const INK: RGBColor = RGBColor(1, 2, 3);
/// The same, as the drawing spells it.
const INK_SPELLED: &str = "#010203";
/// Colours of series, told apart by people who do not see red or green (after Okabe and Ito, 2008), and of middle lightness.
pub(super) const COLOURS: [Colour; 6] =
    [(46, 134, 193), (230, 126, 34), (22, 160, 133), (193, 82, 152), (138, 128, 30), (124, 110, 230)];
/// Red, green and blue.
pub(super) type Colour = (u8, u8, u8);
/// Width of the names beside bars, units of the drawing.
const NAMES: u32 = 290;
/// Width of every plot, units of the drawing.
const WIDTH: u32 = 900;

/// Why there is no drawing.
#[derive(Debug, thiserror::Error)]
#[error("a plot cannot be drawn: {0}")]
pub(crate) struct PlotError(String);

/// What an axis counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Micro-tokens.
    Tokens,
    /// Things.
    Count,
}

impl Unit {
    /// A mark of an axis, a power of ten or a few of them.
    fn mark(self, value: f64) -> String {
        let steps: &[(f64, &str)] = match self {
            Self::Time => &[(1.0, "ns"), (1e3, "us"), (1e6, "ms"), (1e9, "s")],
            Self::Bytes => &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")],
            Self::Tokens => &[(1e6, ""), (1e9, "k"), (1e12, "M")],
            Self::Count => &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")],
        };
        let reached = steps.iter().rev().find(|(step, _)| value >= *step).or(steps.first());
        let (step, unit) = reached.copied().unwrap_or((1.0, ""));
        let digits = value / step;
        let gap = if matches!(self, Self::Time | Self::Bytes) { " " } else { "" };
        format!("{}{gap}{unit}", (digits * 1000.0).round() / 1000.0)
    }
}

/// Points of a line, from left to right.
pub(super) type Line = Vec<(f64, f64)>;

/// Lines over the size of a model.
pub(super) fn lines(title: &str, x_title: &str, lines: &[Line]) -> Result<String, PlotError> {
    let points = || lines.iter().flatten();
    let x_axis = Axis::around(points().map(|(x, _)| *x));
    let y_axis = Axis::around(points().map(|(_, y)| *y));
    draw(title, 420, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(48)
            .y_label_area_size(68)
            .build_cartesian_2d(x_axis.low..x_axis.high, y_axis.low..y_axis.high)?;
        chart
            .configure_mesh()
            .axis_style(INK.mix(0.6))
            .bold_line_style(INK.mix(0.16))
            .light_line_style(INK.mix(0.0))
            .label_style(text(14))
            .axis_desc_style(text(14))
            .x_labels(x_axis.marks())
            .y_labels(y_axis.marks())
            .x_desc(x_title)
            .x_label_formatter(&|power| mark(Unit::Count, *power))
            .y_label_formatter(&|power| mark(Unit::Time, *power))
            .draw()?;
        for (line, colour) in lines.iter().zip(colours(0)) {
            let points: Vec<(f64, f64)> = line.iter().map(|(x, y)| (x.log10(), y.log10())).collect();
            let stroke = ShapeStyle::from(colour).stroke_width(2);
            chart.draw_series(LineSeries::new(points.iter().copied(), stroke))?;
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        }
        Ok(())
    })
}

/// A bar of each series for each row; `None` draws none.
pub(super) struct Bars<'a> {
    pub(super) rows: Vec<(&'a str, Vec<Option<f64>>)>,
    pub(super) unit: Unit,
    /// What the axis is about.
    pub(super) axis: &'a str,
    /// What stands at a bar's end, or in place of one.
    pub(super) label: &'a dyn Fn(Option<f64>) -> String,
    /// The first colour of the series.
    pub(super) colour: usize,
}

/// Horizontal bars, the first row on top.
pub(super) fn bars(title: &str, bars: &Bars<'_>) -> Result<String, PlotError> {
    let series = bars.rows.iter().map(|(_, values)| values.len()).max().unwrap_or(0).max(1);
    let slots = series + 1;
    let total = bars.rows.len() * slots;
    let height = u32::try_from(total).unwrap_or(0).saturating_mul(14).saturating_add(72);
    let mut axis = Axis::around(bars.rows.iter().flat_map(|(_, values)| values.iter().flatten().copied()));
    // Room for what stands at the end of the longest bar.
    axis.high += (axis.high - axis.low) * 0.14;
    axis.low -= 0.25;
    draw(title, height, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(48)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(axis.low..axis.high, 0f64..total as f64)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .axis_style(INK.mix(0.6))
            .bold_line_style(INK.mix(0.16))
            .light_line_style(INK.mix(0.0))
            .label_style(text(13))
            .axis_desc_style(text(14))
            .x_labels(axis.marks())
            .x_desc(bars.axis)
            .x_label_formatter(&|power| mark(bars.unit, *power))
            .draw()?;
        for (index, (name, values)) in bars.rows.iter().enumerate() {
            let top = (total - index * slots) as f64;
            let (left, middle) = chart.backend_coord(&(axis.low, top - slots as f64 / 2.0));
            let anchored = |size, side| text(size).pos(Pos::new(side, VPos::Center));
            area.draw(&Text::new((*name).to_owned(), (left - 10, middle), anchored(14, HPos::Right)))?;
            for (slot, (value, colour)) in values.iter().zip(colours(bars.colour)).enumerate() {
                let upper = top - 0.5 - slot as f64;
                let end = value.map_or(axis.low, f64::log10);
                if value.is_some() {
                    let bar = [(axis.low, upper - 0.06), (end, upper - 0.94)];
                    chart.draw_series([Rectangle::new(bar, colour.filled())])?;
                }
                let (x, y) = chart.backend_coord(&(end, upper - 0.5));
                area.draw(&Text::new((bars.label)(*value), (x + 6, y), anchored(12, HPos::Left)))?;
            }
        }
        Ok(())
    })
}

/// An axis in powers of ten.
#[derive(Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// The whole powers around these values, at least one apart.
    fn around(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .map(f64::log10)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), power| (low.min(power), high.max(power)));
        if low > high {
            return Self { low: 0.0, high: 1.0 };
        }
        let (low, high) = (low.floor(), high.ceil());
        Self { low, high: high.max(low + 1.0) }
    }

    /// How many marks leave one for each power.
    fn marks(self) -> usize {
        let powers = (self.high - self.low).ceil().clamp(1.0, 32.0);
        powers as usize + 1
    }
}

/// A mark at a whole power of ten, nothing between.
fn mark(unit: Unit, power: f64) -> String {
    let whole = power.round();
    if (power - whole).abs() < 1e-6 { unit.mark(10f64.powf(whole)) } else { String::new() }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An SVG of the page's width, which names itself to people who do not see it.
fn draw(
    title: &str,
    height: u32,
    content: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn Error>>,
) -> Result<String, PlotError> {
    let mut drawing = String::new();
    {
        let area = SVGBackend::with_string(&mut drawing, (WIDTH, height)).into_drawing_area();
        content(&area).map_err(|error| PlotError(error.to_string()))?;
        area.present().map_err(|error| PlotError(error.to_string()))?;
    }
    let size = format!("width=\"{WIDTH}\" height=\"{height}\" ");
    let named = format!("role=\"img\" aria-label=\"{}\" ", super::escape(title));
    Ok(drawing.replacen(&size, &named, 1).replace(INK_SPELLED, "currentColor"))
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// Colours of series from the given one on.
fn colours(first: usize) -> impl Iterator<Item = RGBColor> {
    COLOURS.iter().cycle().skip(first).map(|(red, green, blue)| RGBColor(*red, *green, *blue))
}
