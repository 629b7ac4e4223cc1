//! Where the elements of a structural operator's result come from.
//!
//! One list of origins serves every executor and the circuit's planner, so that moving elements has one meaning. In the
//! circuit it costs nothing: a moved element is read from the cell that it was computed in.

use super::operator::Operator;

/// Origin of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Element `element` of the node's input number `input`.
    Element {
        /// Which of the node's inputs.
        input: usize,
        /// Row-major element number.
        element: usize,
    },
    /// A constant.
    Constant(i64),
}

/// Origins of all elements, row-major; `None` for operators that compute.
///
/// `inputs` are the input shapes and `output` the result's shape, as the checked graph holds them.
#[must_use]
pub fn origins(operator: &Operator, inputs: &[&[u32]], output: &[u32]) -> Option<Vec<Origin>> {
    let first = |element| Origin::Element { input: 0, element };
    match operator {
        Operator::Constant { values, .. } => Some(values.iter().map(|value| Origin::Constant(*value)).collect()),
        Operator::Reshape { .. } => Some((0..count(output)).map(first).collect()),
        Operator::Select { indices, .. } => Some(indices.iter().map(|index| first(wide(*index))).collect()),
        Operator::Strided { offset, shape, strides } => {
            let places = strided(i64::from(*offset), shape, strides);
            Some(places.into_iter().map(|place| first(usize::try_from(place).unwrap_or(usize::MAX))).collect())
        }
        Operator::Concatenate { axis } => Some(concatenated(wide(*axis), inputs, output)),
        Operator::Pad { low, interior, value, .. } => {
            let input = inputs.first()?;
            Some((0..count(output)).map(|position| padded(position, input, output, low, interior, *value)).collect())
        }
        _ => None,
    }
}

/// Number of elements of a shape.
#[must_use]
pub fn count(shape: &[u32]) -> usize {
    shape.iter().fold(1, |product: usize, dimension| product.saturating_mul(wide(*dimension)))
}

/// Axis by axis, so that no element costs a list of its indices.
fn strided(offset: i64, shape: &[u32], strides: &[i32]) -> Vec<i64> {
    shape.iter().zip(strides).fold(vec![offset], |starts, (length, stride)| {
        let mut places = Vec::with_capacity(starts.len().saturating_mul(wide(*length)));
        for start in starts {
            let along = |index| start.saturating_add(i64::from(index).saturating_mul(i64::from(*stride)));
            places.extend((0..*length).map(along));
        }
        places
    })
}

/// Row by row of what lies outside the axis, input by input: no element costs a search among the inputs.
fn concatenated(axis: usize, inputs: &[&[u32]], output: &[u32]) -> Vec<Origin> {
    let rows = output.get(..axis).map_or(1, count);
    let lengths: Vec<usize> = inputs.iter().map(|shape| shape.get(axis..).map_or(0, count)).collect();
    let row = |row: usize| {
        lengths.iter().enumerate().flat_map(move |(input, length)| {
            let start = row.saturating_mul(*length);
            (start..start.saturating_add(*length)).map(move |element| Origin::Element { input, element })
        })
    };
    (0..rows).flat_map(row).collect()
}

fn padded(position: usize, input: &[u32], output: &[u32], low: &[i32], interior: &[u32], value: i64) -> Origin {
    let mut place = Vec::with_capacity(input.len());
    let axes = coordinates(position, output).into_iter().zip(input).zip(low).zip(interior);
    for (((index, length), low), interior) in axes {
        let shifted = signed(index).saturating_sub(i64::from(*low));
        let step = i64::from(*interior).saturating_add(1);
        let (Some(along), Some(0)) = (shifted.checked_div_euclid(step), shifted.checked_rem_euclid(step)) else {
            return Origin::Constant(value);
        };
        match usize::try_from(along) {
            Ok(along) if along < wide(*length) => place.push(along),
            _ => return Origin::Constant(value),
        }
    }
    Origin::Element { input: 0, element: position_of(&place, input) }
}

/// Indices of row-major position `position`.
fn coordinates(position: usize, shape: &[u32]) -> Vec<usize> {
    let mut rest = position;
    let mut indices: Vec<usize> = shape
        .iter()
        .rev()
        .map(|dimension| {
            let dimension = wide(*dimension).max(1);
            let index = rest.checked_rem(dimension).unwrap_or(0);
            rest = rest.checked_div(dimension).unwrap_or(0);
            index
        })
        .collect();
    indices.reverse();
    indices
}

fn position_of(place: &[usize], shape: &[u32]) -> usize {
    place
        .iter()
        .zip(shape)
        .fold(0, |position: usize, (index, dimension)| position.saturating_mul(wide(*dimension)).saturating_add(*index))
}

fn wide(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(operator: &Operator, inputs: &[&[u32]], output: &[u32]) -> Vec<i64> {
        let number = |origin| match origin {
            Origin::Element { input, element } => i64::try_from(100 * input + element).unwrap(),
            Origin::Constant(value) => value,
        };
        origins(operator, inputs, output).unwrap().into_iter().map(number).collect()
    }

    #[test]
    fn strides_transpose_reverse_and_broadcast() {
        let transposed = Operator::Strided { offset: 0, shape: vec![3, 2], strides: vec![1, 3] };
        assert_eq!(elements(&transposed, &[&[2, 3]], &[3, 2]), [0, 3, 1, 4, 2, 5]);
        let reversed = Operator::Strided { offset: 2, shape: vec![3], strides: vec![-1] };
        assert_eq!(elements(&reversed, &[&[3]], &[3]), [2, 1, 0]);
        let repeated = Operator::Strided { offset: 0, shape: vec![2, 2], strides: vec![0, 1] };
        assert_eq!(elements(&repeated, &[&[2]], &[2, 2]), [0, 1, 0, 1]);
    }

    #[test]
    fn padding_surrounds_separates_and_crops() {
        let pad = |low, high, interior| Operator::Pad {
            low: vec![low],
            high: vec![high],
            interior: vec![interior],
            value: -9,
        };
        assert_eq!(elements(&pad(1, 2, 0), &[&[2]], &[5]), [-9, 0, 1, -9, -9]);
        assert_eq!(elements(&pad(0, 0, 1), &[&[3]], &[5]), [0, -9, 1, -9, 2]);
        assert_eq!(elements(&pad(-1, -1, 0), &[&[4]], &[2]), [1, 2]);
    }

    #[test]
    fn concatenation_runs_through_its_inputs() {
        let rows = Operator::Concatenate { axis: 0 };
        assert_eq!(elements(&rows, &[&[1, 2], &[2, 2]], &[3, 2]), [0, 1, 100, 101, 102, 103]);
        let columns = Operator::Concatenate { axis: 1 };
        assert_eq!(elements(&columns, &[&[2, 1], &[2, 2]], &[2, 3]), [0, 100, 101, 1, 102, 103]);
    }
}
