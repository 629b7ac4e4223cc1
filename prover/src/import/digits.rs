//! The UCI optical digits set: 8x8 grey levels of 0 to 16 and the digit they show.
//!
//! One line per image: 64 levels in row-major order, then the digit. The split is a function of the file: shuffled by
//! a seeded generator, stratified so that the test set holds each digit in proportion.

use circuits::model::bundle::{Bundle, Info};
use circuits::model::graph::Input;
use circuits::model::range::Range;
use circuits::model::reference::{self, ExecutionError};
use circuits::model::tensor::{Tensor, TensorError};

use super::network::Network;
use super::quantise::Settings;
use super::seeded::Seeded;

/// Shape of an image.
pub const IMAGE_SHAPE: [u32; 2] = [8, 8];
/// Interval of a grey level.
pub const LEVELS: Range = Range { min: 0, max: 16 };
/// Number of classes.
pub const CLASSES: usize = 10;
/// Images held back for testing.
pub const TEST_IMAGES: usize = 360;

const PIXELS: usize = 64;
const LINES_MAX: usize = 100_000;
/// What a grey level of 1 means to the float network, which reads 0 to 1.
const LEVEL_STEP: f64 = 1.0 / 16.0;
/// Written seed of the split.
const SPLIT_SEED: u64 = 2026;

/// An image and the digit that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digit {
    /// Grey levels, shape [`IMAGE_SHAPE`].
    pub image: Tensor,
    /// 0 to 9.
    pub label: usize,
}

/// The images to train on and those to test on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// All others, shuffled.
    pub train: Vec<Digit>,
    /// [`TEST_IMAGES`] images, by digit.
    pub test: Vec<Digit>,
}

/// Why a file of digits was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigitsError {
    /// Too few images to split, or too many lines.
    #[error("digits: expected more than {TEST_IMAGES} and at most {LINES_MAX} lines, got {got}")]
    Lines {
        /// Lines that came.
        got: usize,
    },
    /// A line has another number of fields.
    #[error("digits line {line}: expected 65 fields, got {got}")]
    Fields {
        /// Line number from 1.
        line: usize,
        /// Fields that came.
        got: usize,
    },
    /// A field is not a number in its range.
    #[error("digits line {line} field {field}: expected an integer of {} to {}", range.min, range.max)]
    Value {
        /// Line number from 1.
        line: usize,
        /// Field number from 1; 65 is the digit.
        field: usize,
        /// Interval it must lie in.
        range: Range,
    },
    /// The image is not a tensor.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// Reads the comma-separated file.
pub fn parse(text: &str) -> Result<Vec<Digit>, DigitsError> {
    let got = text.lines().count();
    if got <= TEST_IMAGES || got > LINES_MAX {
        return Err(DigitsError::Lines { got });
    }
    text.lines().enumerate().map(|(index, line)| parse_line(index + 1, line)).collect()
}

fn parse_line(line: usize, text: &str) -> Result<Digit, DigitsError> {
    let fields: Vec<&str> = text.split(',').collect();
    let [levels @ .., label] = fields.as_slice() else { return Err(DigitsError::Fields { line, got: 0 }) };
    if levels.len() != PIXELS {
        return Err(DigitsError::Fields { line, got: fields.len() });
    }
    let number = |field: usize, text: &str, range: Range| {
        let value = text.parse::<i64>().ok().filter(|value| range.contains(*value));
        value.ok_or(DigitsError::Value { line, field, range })
    };
    let levels = levels.iter().enumerate().map(|(index, text)| number(index + 1, text, LEVELS));
    let image = Tensor::new(IMAGE_SHAPE.to_vec(), levels.collect::<Result<_, _>>()?)?;
    let label = number(PIXELS + 1, label, Range { min: 0, max: CLASSES as i64 - 1 })?;
    Ok(Digit { image, label: usize::try_from(label).unwrap_or(0) })
}

/// Splits off [`TEST_IMAGES`] images, each digit in proportion (largest remainders, ties to the smaller digit).
#[must_use]
pub fn split(digits: Vec<Digit>) -> Split {
    let total = digits.len().max(1);
    let mut classes: Vec<Vec<Digit>> = vec![Vec::new(); CLASSES];
    for digit in digits {
        if let Some(class) = classes.get_mut(digit.label) {
            class.push(digit);
        }
    }
    let mut quotas: Vec<usize> = classes.iter().map(|class| class.len() * TEST_IMAGES / total).collect();
    let mut by_remainder: Vec<usize> = (0..CLASSES).collect();
    by_remainder.sort_by_key(|class| std::cmp::Reverse(classes.get(*class).map_or(0, Vec::len) * TEST_IMAGES % total));
    let short = TEST_IMAGES - quotas.iter().sum::<usize>();
    for class in by_remainder.into_iter().take(short) {
        if let Some(quota) = quotas.get_mut(class) {
            *quota += 1;
        }
    }
    let mut generator = Seeded::new(SPLIT_SEED);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (mut class, quota) in classes.into_iter().zip(quotas) {
        generator.shuffle(&mut class);
        train.extend(class.split_off(quota.min(class.len())));
        test.extend(class);
    }
    generator.shuffle(&mut train);
    Split { train, test }
}

/// How a digits network is quantised: 12-bit weights, and a table that leaves room in 2^10 circuit rows.
#[must_use]
pub fn settings() -> Settings {
    let input = Input { shape: IMAGE_SHAPE.to_vec(), range: LEVELS };
    Settings { input, input_step: LEVEL_STEP, weight_bits: 12, table_rows_max: 1000 }
}

/// What people are told about the digits model.
#[must_use]
pub fn info() -> Info {
    Info {
        name: "digits 64-32-10".to_owned(),
        labels: (0..CLASSES).map(|digit| digit.to_string()).collect(),
        input_scale: "8x8 grey levels from 0 (paper) to 16 (ink), row by row, unchanged".to_owned(),
        quantisation: None,
    }
}

/// How many of `digits` the float network gets right.
#[must_use]
pub fn correct_float(network: &Network, digits: &[Digit]) -> usize {
    let is_correct = |digit: &&Digit| {
        let reals: Vec<f64> = digit.image.values().iter().map(|level| *level as f64 * LEVEL_STEP).collect();
        let outputs = network.forward(&reals).pop().unwrap_or_default();
        let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        outputs.iter().position(|output| *output == largest) == Some(digit.label)
    };
    digits.iter().filter(is_correct).count()
}

/// How many of `digits` the integer model gets right, by the reference executor.
pub fn correct_integer(bundle: &Bundle, digits: &[Digit]) -> Result<usize, ExecutionError> {
    let mut correct = 0;
    for digit in digits {
        let trace = reference::run(bundle.graph(), bundle.weights(), &digit.image)?;
        let largest = trace.output().iter().max();
        let predicted = trace.output().iter().position(|output| Some(output) == largest);
        correct += usize::from(predicted == Some(digit.label));
    }
    Ok(correct)
}

#[cfg(test)]
mod tests {
    use circuits::model::graph::Layout;

    use super::super::quantise::{Quantised, quantise};
    use super::*;

    fn line(level: &str, label: &str) -> String {
        let mut fields = vec!["0"; PIXELS];
        fields[9] = level;
        fields.push(label);
        fields.join(",")
    }

    fn file(last: &str) -> String {
        let mut lines: Vec<String> = (0..TEST_IMAGES).map(|index| line("16", &(index % 10).to_string())).collect();
        lines.push(last.to_owned());
        lines.join("\n")
    }

    #[test]
    fn the_file_is_checked() {
        let digits = parse(&file(&line("7", "3"))).unwrap();
        assert_eq!((digits[360].label, digits[360].image.values()[9], digits[359].label), (3, 7, 9));
        assert_eq!(parse(""), Err(DigitsError::Lines { got: 0 }));
        let exactly: Vec<String> = (0..TEST_IMAGES).map(|_| line("0", "0")).collect();
        assert_eq!(parse(&exactly.join("\n")), Err(DigitsError::Lines { got: TEST_IMAGES }));
        assert_eq!(parse(&file("1,2,3")), Err(DigitsError::Fields { line: 361, got: 3 }));
        for level in ["17", "-1", "x", "1.0", ""] {
            let expected = DigitsError::Value { line: 361, field: 10, range: LEVELS };
            assert_eq!(parse(&file(&line(level, "0"))), Err(expected), "{level}");
        }
        let expected = DigitsError::Value { line: 361, field: 65, range: Range { min: 0, max: 9 } };
        assert_eq!(parse(&file(&line("0", "10"))), Err(expected));
    }

    const FILE: &str = include_str!("../../../data/digits/digits.csv");
    const BUNDLE: &[u8] = include_bytes!("../../../data/digits/digits.assay");
    const NETWORK: &[u8] = include_bytes!("../../../data/digits/digits.safetensors");
    const BUNDLE_HASH: [u8; 32] = [
        0xd6, 0x85, 0x5b, 0xd8, 0x14, 0x01, 0xd4, 0x3d, 0x9e, 0x58, 0xf3, 0x0b, 0x70, 0xcb, 0xcc, 0xd9, 0x10, 0xac,
        0xda, 0x7d, 0x2a, 0xcd, 0x5d, 0xfe, 0x16, 0x51, 0xc8, 0x82, 0x8b, 0x01, 0x8c, 0x1e,
    ];

    #[test]
    fn the_committed_bundle_is_pinned_and_as_accurate_as_the_float_network() {
        let bundle = Bundle::from_bytes(BUNDLE).unwrap();
        assert_eq!(bundle.hash(), BUNDLE_HASH);
        let test = split(parse(FILE).unwrap()).test;
        let network = Network::from_bytes(NETWORK).unwrap();
        let (float, integer) = (correct_float(&network, &test), correct_integer(&bundle, &test).unwrap());
        assert_eq!((float, integer), (353, 353), "98.06 % of 360 each");
        assert!(float.abs_diff(integer) * 1000 <= 5 * TEST_IMAGES, "within 0.5 points");
    }

    #[test]
    fn the_committed_bundle_is_the_committed_network_quantised() {
        let train = split(parse(FILE).unwrap()).train;
        let images: Vec<Tensor> = train.into_iter().map(|digit| digit.image).collect();
        let network = Network::from_bytes(NETWORK).unwrap();
        let Quantised { graph, weights, .. } = quantise(&network, &settings(), &images).unwrap();
        assert_eq!(graph.layout(), Layout { k: 8, rows: 32, lanes: 1 });
        let bundle = Bundle::new(graph, weights, info()).unwrap();
        assert!(bundle.to_bytes().unwrap() == BUNDLE, "import changed: run the example train_digits and pin its hash");
    }

    #[test]
    fn the_split_is_stratified_and_repeatable() {
        let digits = parse(FILE).unwrap();
        let split_set = split(digits.clone());
        assert_eq!((split_set.train.len(), split_set.test.len()), (1437, 360));
        assert_eq!(split(digits.clone()), split_set);
        for label in 0..CLASSES {
            let count = |digits: &[Digit]| digits.iter().filter(|digit| digit.label == label).count();
            let exact = count(&digits) as f64 * 360.0 / 1797.0;
            assert!((count(&split_set.test) as f64 - exact).abs() < 1.0, "digit {label}");
        }
        let mut together = [split_set.train, split_set.test].concat();
        let mut original = digits;
        let key = |digit: &Digit| (digit.label, digit.image.values().to_vec());
        together.sort_by_key(key);
        original.sort_by_key(key);
        assert_eq!(together, original);
    }
}
