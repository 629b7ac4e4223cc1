//! Whom a request means to reach.
//!
//! A page in a browser can send requests to this machine under a name of its own that resolves to it (DNS rebinding), and
//! open WebSockets to it from anywhere. So a node that listens on this machine only answers only to this machine's names
//! and to pages from it. A node that listens elsewhere does so because its operator said so, under names only they know.

use std::net::IpAddr;

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

/// Why a request is refused, if it is.
pub(super) fn refusal(headers: &HeaderMap, uri: &Uri) -> Option<&'static str> {
    let header = headers.get(header::HOST).map(|host| host.to_str().ok().and_then(|host| host.parse().ok()));
    let host: Option<Authority> = match (header, uri.authority()) {
        (Some(host), _) => host,
        (None, authority) => authority.cloned(),
    };
    if !host.is_some_and(|host| is_local(host.host())) {
        return Some("Host: expected localhost or the address this node listens on\n");
    }
    let origin = headers.get(header::ORIGIN)?;
    let origin: Option<Uri> = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    let local = origin.as_ref().and_then(Uri::host).is_some_and(is_local);
    if local { None } else { Some("Origin: expected a page of this machine, or none\n") }
}

fn is_local(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(header::HeaderName, &str)], uri: &str) -> Option<&'static str> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        refusal(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn only_the_machines_own_names_are_answered() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:9944", "127.8.0.1", "[::1]:9944", "[::1]"] {
            assert_eq!(asked(&[(header::HOST, host)], "/"), None, "{host}");
        }
        assert_eq!(asked(&[], "http://localhost:9/"), None);
        let wrong = Some("Host: expected localhost or the address this node listens on\n");
        for host in
            ["attacker.example", "localhost.attacker.example", "10.0.0.1", "", "[::2]", "127.0.0.1@attacker.example"]
        {
            assert_eq!(asked(&[(header::HOST, host)], "/"), wrong, "{host}");
        }
        assert_eq!(asked(&[(header::HOST, "attacker.example")], "http://localhost/"), wrong);
        assert_eq!(asked(&[], "/"), wrong);
    }

    #[test]
    fn pages_from_elsewhere_are_refused() {
        let with = |origin| asked(&[(header::HOST, "localhost"), (header::ORIGIN, origin)], "/");
        assert_eq!((with("http://localhost:3000"), with("http://127.0.0.1")), (None, None));
        let wrong = Some("Origin: expected a page of this machine, or none\n");
        assert_eq!((with("https://attacker.example"), with("null"), with("file:///x")), (wrong, wrong, wrong));
    }
}
