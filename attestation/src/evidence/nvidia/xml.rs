//! The part of XML that reference manifests use, and nothing else.
//!
//! Documents are printable ASCII and line feeds: elements, attributes in double quotes, text. Refused by name: document
//! type declarations, processing instructions (an XML declaration is one), comments, CDATA, every `&`, carriage returns,
//! attributes and prefixes of the reserved `xml` family. What remains has one reading, so the bytes that are signed and
//! the values that are used cannot be made to differ.

use std::borrow::Cow;

use thiserror::Error;

/// Most bytes of a document.
pub const XML_BYTES_MAX: usize = 64 * 1024;
const DEPTH_MAX: usize = 12;
const ATTRIBUTES_MAX: usize = 32;

/// Why bytes are not a document of this profile. Positions count bytes from the start.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum XmlError {
    /// Too large.
    #[error("expected at most {max} bytes, got {got}")]
    TooLong {
        /// The cap.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// A byte that is neither printable ASCII nor a line feed.
    #[error("byte {position} is neither printable ASCII nor a line feed")]
    Character {
        /// Where.
        position: usize,
    },
    /// A document type declaration.
    #[error("byte {position} starts a document type declaration")]
    DocumentType {
        /// Where.
        position: usize,
    },
    /// A processing instruction or XML declaration.
    #[error("byte {position} starts a processing instruction")]
    ProcessingInstruction {
        /// Where.
        position: usize,
    },
    /// A comment.
    #[error("byte {position} starts a comment")]
    Comment {
        /// Where.
        position: usize,
    },
    /// A CDATA section.
    #[error("byte {position} starts a CDATA section")]
    CharacterData {
        /// Where.
        position: usize,
    },
    /// An entity or character reference.
    #[error("byte {position} starts an entity or character reference")]
    Reference {
        /// Where.
        position: usize,
    },
    /// Something else that this profile does not have there.
    #[error("byte {position}: expected {expected}")]
    Expected {
        /// Where.
        position: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// An attribute twice, by name or by namespace and name.
    #[error("byte {position}: an attribute appears twice")]
    DuplicateAttribute {
        /// Where the element starts.
        position: usize,
    },
    /// More attributes than any element has.
    #[error("byte {position}: more than {ATTRIBUTES_MAX} attributes")]
    TooManyAttributes {
        /// Where the element starts.
        position: usize,
    },
    /// A prefix without a declaration in scope.
    #[error("byte {position}: a prefix without declaration")]
    UndeclaredPrefix {
        /// Where the element starts.
        position: usize,
    },
    /// A name of the reserved `xml` family, or an empty declaration.
    #[error("byte {position}: names that start with xml and empty namespaces are not allowed")]
    Reserved {
        /// Where.
        position: usize,
    },
    /// Elements nested too deeply.
    #[error("byte {position}: elements nest deeper than {DEPTH_MAX}")]
    Depth {
        /// Where.
        position: usize,
    },
}

/// A prefix and the namespace it stands for; the empty prefix is the default namespace.
pub(super) type Declaration<'a> = (&'a str, &'a str);

/// An attribute that is no namespace declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    /// Empty without prefix: the default namespace does not apply to attributes.
    pub(super) namespace: &'a str,
    pub(super) value: &'a str,
}

/// An element with its names resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
    pub(super) namespace: &'a str,
    pub(super) declarations: Vec<Declaration<'a>>,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) children: Vec<Node<'a>>,
}

/// Content of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node<'a> {
    Element(Element<'a>),
    Text(&'a str),
}

impl<'a> Element<'a> {
    /// Value of an attribute without namespace.
    pub(super) fn attribute(&self, local: &str) -> Option<&'a str> {
        self.attribute_in("", local)
    }

    /// Value of an attribute in a namespace.
    pub(super) fn attribute_in(&self, namespace: &str, local: &str) -> Option<&'a str> {
        self.attributes.iter().find(|a| a.local == local && a.namespace == namespace).map(|a| a.value)
    }

    /// Child elements, if there is no text but white space beside them.
    pub(super) fn elements(&self) -> Option<Vec<&Element<'a>>> {
        let mut elements = Vec::new();
        for node in &self.children {
            match node {
                Node::Element(element) => elements.push(element),
                Node::Text(text) if text.trim().is_empty() => {}
                Node::Text(_) => return None,
            }
        }
        Some(elements)
    }

    /// The text of an element without child elements.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// Reads exactly one root element.
pub(super) fn parse(bytes: &[u8]) -> Result<Element<'_>, XmlError> {
    if bytes.len() > XML_BYTES_MAX {
        return Err(XmlError::TooLong { max: XML_BYTES_MAX, got: bytes.len() });
    }
    let allowed = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n');
    if let Some(position) = bytes.iter().position(|byte| !allowed(byte)) {
        return Err(XmlError::Character { position });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| XmlError::Character { position: error.valid_up_to() })?;
    let mut parser = Parser { rest: text, length: text.len() };
    let root = parser.element(&[], 1)?;
    // White space after the root is no part of the canonical form.
    parser.skip_space();
    if parser.rest.is_empty() { Ok(root) } else { Err(parser.unexpected("the end of the document")) }
}

struct Parser<'a> {
    rest: &'a str,
    length: usize,
}

impl<'a> Parser<'a> {
    fn position(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// The error for what stands here instead of `expected`, by its own name where it has one.
    fn unexpected(&self, expected: &'static str) -> XmlError {
        let position = self.position();
        match self.rest {
            rest if rest.starts_with("<!--") => XmlError::Comment { position },
            rest if rest.starts_with("<![CDATA[") => XmlError::CharacterData { position },
            rest if rest.starts_with("<!") => XmlError::DocumentType { position },
            rest if rest.starts_with("<?") => XmlError::ProcessingInstruction { position },
            rest if rest.starts_with('&') => XmlError::Reference { position },
            _ => XmlError::Expected { position, expected },
        }
    }

    fn literal(&mut self, literal: &str, expected: &'static str) -> Result<(), XmlError> {
        match self.rest.strip_prefix(literal) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.unexpected(expected)),
        }
    }

    fn skip_space(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\n']);
        let skipped = rest.len() != self.rest.len();
        self.rest = rest;
        skipped
    }

    /// Bytes up to the first that `stop` holds for.
    fn until(&mut self, stop: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) =
            self.rest.split_at_checked(self.rest.find(stop).unwrap_or(self.rest.len())).unwrap_or_default();
        self.rest = rest;
        taken
    }

    /// Prefix (possibly empty) and local name.
    fn name(&mut self) -> Result<(&'a str, &'a str), XmlError> {
        let before = self.rest;
        let name = self.until(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')));
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let starts = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let prefixed = name.contains(':');
        if !starts(local) || local.contains(':') || (prefixed && !starts(prefix)) {
            self.rest = before;
            return Err(self.unexpected("a name"));
        }
        Ok((prefix, local))
    }

    fn element(&mut self, scope: &[Declaration<'a>], depth: usize) -> Result<Element<'a>, XmlError> {
        let position = self.position();
        if depth > DEPTH_MAX {
            return Err(XmlError::Depth { position });
        }
        if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
            return Err(self.unexpected("an element"));
        }
        self.literal("<", "an element")?;
        let (prefix, local) = self.name()?;
        let (declarations, raw) = self.attributes(position)?;
        let mut inner = Cow::Borrowed(scope);
        for &(prefix, uri) in &declarations {
            let inner = inner.to_mut();
            inner.retain(|known| known.0 != prefix);
            inner.push((prefix, uri));
        }
        let resolve = |prefix: &str| inner.iter().find(|known| known.0 == prefix).map(|known| known.1);
        let namespace = match (prefix, resolve(prefix)) {
            (_, Some(namespace)) => namespace,
            ("", None) => "",
            (_, None) => return Err(XmlError::UndeclaredPrefix { position }),
        };
        let mut attributes: Vec<Attribute<'a>> = Vec::new();
        for (prefix, local, value) in raw {
            let namespace = if prefix.is_empty() { Some("") } else { resolve(prefix) };
            let namespace = namespace.ok_or(XmlError::UndeclaredPrefix { position })?;
            if attributes.iter().any(|known| known.local == local && known.namespace == namespace) {
                return Err(XmlError::DuplicateAttribute { position });
            }
            attributes.push(Attribute { prefix, local, namespace, value });
        }
        let mut element = Element { prefix, local, namespace, declarations, attributes, children: Vec::new() };
        if self.rest.starts_with("/>") {
            self.literal("/>", "/>")?;
            return Ok(element);
        }
        self.literal(">", "the end of a tag")?;
        self.content(&mut element, &inner, depth)?;
        Ok(element)
    }

    #[expect(clippy::type_complexity, reason = "declarations and attributes of one tag, used in one place")]
    fn attributes(
        &mut self,
        position: usize,
    ) -> Result<(Vec<Declaration<'a>>, Vec<(&'a str, &'a str, &'a str)>), XmlError> {
        let mut declarations: Vec<Declaration<'a>> = Vec::new();
        let mut attributes = Vec::new();
        while self.skip_space() && !self.rest.starts_with(['/', '>']) {
            if declarations.len().max(attributes.len()) == ATTRIBUTES_MAX {
                return Err(XmlError::TooManyAttributes { position });
            }
            let start = self.position();
            let (prefix, local) = self.name()?;
            self.literal("=\"", "=\" after an attribute's name")?;
            let value = self.until(|c| matches!(c, '"' | '<' | '&' | '\n'));
            self.literal("\"", "a closing quote on the same line")?;
            let declared = match (prefix, local) {
                ("", "xmlns") => Some(""),
                ("xmlns", prefix) => Some(prefix),
                _ => None,
            };
            let reserved = |name: &str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
            match declared {
                Some(prefix) if reserved(prefix) || value.is_empty() => {
                    return Err(XmlError::Reserved { position: start });
                }
                Some(prefix) if declarations.iter().any(|known| known.0 == prefix) => {
                    return Err(XmlError::DuplicateAttribute { position });
                }
                Some(prefix) => declarations.push((prefix, value)),
                None if reserved(prefix) || (prefix.is_empty() && reserved(local)) => {
                    return Err(XmlError::Reserved { position: start });
                }
                None => attributes.push((prefix, local, value)),
            }
        }
        Ok((declarations, attributes))
    }

    fn content(&mut self, element: &mut Element<'a>, scope: &[Declaration<'a>], depth: usize) -> Result<(), XmlError> {
        loop {
            // A bare `>` would need escaping in canonical form; manifests have none.
            let text = self.until(|c| matches!(c, '<' | '&' | '>'));
            if !text.is_empty() {
                element.children.push(Node::Text(text));
            }
            if self.rest.starts_with("</") {
                self.literal("</", "an end tag")?;
                let name = self.name()?;
                if name != (element.prefix, element.local) {
                    return Err(self.unexpected("the end tag of the innermost open element before this"));
                }
                return self.literal(">", "the end of an end tag");
            }
            if !self.rest.starts_with('<') {
                return Err(self.unexpected("an element, text or an end tag"));
            }
            element.children.push(Node::Element(self.element(scope, depth.saturating_add(1))?));
        }
    }
}
