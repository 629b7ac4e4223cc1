//! Canonical XML 1.1 without comments (W3C REC-xml-c14n11) of the profile in [`xml`](super::xml).
//!
//! The profile leaves little to do: there is nothing to expand, normalise or escape, and no `xml:` attribute to inherit.
//! What remains is the order of attributes, namespace declarations where they change something, and start-end pairs for
//! empty elements. An enveloped signature (XMLDSig section 6.6.4) is left out by naming the child to skip.

use super::xml::{Declaration, Element, Node};

/// Canonical form of `element` whose ancestors declared `inherited`; the whole of it, or without the direct child element
/// at position `skip` among `element.children`.
pub(super) fn canonicalise(element: &Element<'_>, inherited: &[Declaration<'_>], skip: Option<usize>) -> String {
    let mut output = String::new();
    // For the apex every declaration in scope is new to the output (section 4.2 on document subsets).
    let mut apex = inherited.to_vec();
    for declaration in &element.declarations {
        apex.retain(|known| known.0 != declaration.0);
        apex.push(*declaration);
    }
    write_element(&mut output, element, &[], &apex, skip);
    output
}

/// `declared` is what this element brings into a scope that starts with the first of `ancestors`.
fn write_element(
    output: &mut String,
    element: &Element<'_>,
    ancestors: &[&[Declaration<'_>]],
    declared: &[Declaration<'_>],
    skip: Option<usize>,
) {
    output.push('<');
    write_name(output, element.prefix, element.local);
    let in_scope = |prefix| ancestors.iter().rev().find_map(|scope| scope.iter().find(|known| known.0 == prefix));
    let mut changed: Vec<_> = declared.iter().filter(|new| in_scope(new.0) != Some(*new)).collect();
    changed.sort_unstable();
    for (prefix, uri) in changed {
        let (prefix, local) = if prefix.is_empty() { ("", "xmlns") } else { ("xmlns", *prefix) };
        write_attribute(output, prefix, local, uri);
    }
    let mut attributes: Vec<_> = element.attributes.iter().collect();
    attributes.sort_unstable_by_key(|attribute| (attribute.namespace, attribute.local));
    for attribute in attributes {
        write_attribute(output, attribute.prefix, attribute.local, attribute.value);
    }
    output.push('>');
    let scopes: Vec<_> = ancestors.iter().copied().chain([declared]).collect();
    for (position, node) in element.children.iter().enumerate() {
        match node {
            Node::Text(text) => output.push_str(text),
            Node::Element(_) if Some(position) == skip => {}
            Node::Element(child) => write_element(output, child, &scopes, &child.declarations, None),
        }
    }
    output.push_str("</");
    write_name(output, element.prefix, element.local);
    output.push('>');
}

fn write_name(output: &mut String, prefix: &str, local: &str) {
    if !prefix.is_empty() {
        output.push_str(prefix);
        output.push(':');
    }
    output.push_str(local);
}

fn write_attribute(output: &mut String, prefix: &str, local: &str, value: &str) {
    output.push(' ');
    write_name(output, prefix, local);
    output.push_str("=\"");
    output.push_str(value);
    output.push('"');
}
