//! Which servers a service may be asked to measure: those of its config, those that were found on
//! this machine, and any other only where it was started so. Whose address is refused in any case,
//! and which key goes to whom.
//!
//! Not here: what is sent to them (`runs::request`), or how a server is found (`around`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _};

use reqwest::Url;

use super::around;
use super::by_hand;
use super::error_text;
use super::gate::{self, Given};
use super::runs::request::{Checked, RunRequest};
use super::servers;
use super::workspace::Workspace;
use crate::config::{Endpoint, Target};
use crate::lang::{Text, bilingual};
use crate::probe::scan::USUAL_PORTS;

/// Variables whose name begins so are set for this service's targets, and for nothing else.
pub const KEY_PREFIX: &str = "GOODPUT_GATE_KEY_";

/// Characters of an address.
const LONGEST: usize = 200;

/// Whom requests of others may have measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// The config's servers, and those that were found on this machine.
    #[default]
    Known,
    Any,
}

/// The servers of the working folder's config, each with what `--target` has to say for it; none
/// where there is no config. Errors: it cannot be used.
fn configured(here: &Workspace) -> anyhow::Result<Vec<(Option<String>, Target)>> {
    if gate::path(here, &Given::default())?.is_none() {
        return Ok(Vec::new());
    }
    let all = servers::named(here)?.into_iter();
    all.map(|(name, target)| Ok((servers::flags(here, &name)?.target, target))).collect()
}

/// Looks at the server that a request names, and says in it what came of that. Errors: it may not
/// be measured, or not with this key.
pub fn settle(here: &Workspace, request: &mut RunRequest, reach: Reach) -> Result<(), Text> {
    if request.base_url.is_none() && request.api_key_env.is_none() {
        return Ok(());
    }
    let configured = configured(here).map_err(|e| error_text::text(&e))?;
    if let Some(text) = &request.base_url {
        let url = parsed(text)?;
        request.checked = Some(checked(here, &configured, &url, reach)?);
    }
    let target = match &request.checked {
        Some(Checked::Url(_)) => None,
        Some(Checked::Configured(name)) => Some(name),
        None => Some(&request.target),
    };
    let its = target
        .and_then(|name| configured.iter().find(|(own, _)| own == name)?.1.api_key_env.as_deref());
    match &request.api_key_env {
        Some(name) if its != Some(name) && !name.starts_with(KEY_PREFIX) => Err(bilingual!(
            "api_key_env: {name} is not what the config sends to this server, and does not begin with {KEY_PREFIX}",
            "api_key_env: {name}은(는) 설정이 이 서버에 보내는 변수가 아니며 {KEY_PREFIX}로 시작하지도 않음"
        )),
        _ => Ok(()),
    }
}

/// An address that says nothing but where the server is. Errors: it is no such.
fn parsed(text: &str) -> Result<Url, Text> {
    let wrong = |what: Text| Err(named(&what).then(&"\nhint: http://HOST:PORT/v1".into()));
    // `${NAME}` would be replaced by what this service's environment has there.
    let odd = |c: char| c.is_control() || c.is_whitespace() || "${}\\".contains(c);
    if text.len() > LONGEST || text.contains(odd) {
        return wrong(bilingual!(
            "it is too long, or has characters that no address has",
            "너무 길거나 주소에 쓸 수 없는 문자가 있음"
        ));
    }
    let Ok(url) = Url::parse(text) else {
        return wrong(bilingual!("it is no address", "주소가 아님"));
    };
    let bare = url.query().or(url.fragment()).or(url.password()).is_none()
        && url.username().is_empty()
        && !text.contains('@');
    match url.scheme() {
        "http" | "https" if url.host().is_some() && bare => Ok(url),
        "http" | "https" => wrong(bilingual!(
            "it has a user, a query or no host",
            "사용자 이름이나 쿼리가 있거나 호스트가 없음"
        )),
        _ => wrong(bilingual!("it is neither http nor https", "http도 https도 아님")),
    }
}

/// What is wrong with the address that was asked for.
fn named(what: &Text) -> Text {
    Text::from("base_url: ").then(what)
}

fn checked(
    here: &Workspace,
    configured: &[(Option<String>, Target)],
    url: &Url,
    reach: Reach,
) -> Result<Checked, Text> {
    for (name, target) in configured {
        if let Endpoint::Http(own) = &target.endpoint
            && is_same(own, url)
        {
            return Ok(Checked::Configured(name.clone()));
        }
    }
    if is_up(here, url) {
        return Ok(Checked::Url(shortened(url)));
    }
    if is_usual(url) && matches!(around::server(&shortened(url), None), Ok(Some(_))) {
        return Ok(Checked::Url(shortened(url)));
    }
    match reach {
        Reach::Known => Err(named(&bilingual!(
            "neither a server of the config nor one that was found on this machine\nhint: add it to the config's `targets`, or start the service with --allow-any-target",
            "설정의 서버도, 이 머신에서 찾은 서버도 아님\n힌트: 설정의 `targets`에 추가하거나 서비스를 --allow-any-target으로 시작하십시오"
        ))),
        Reach::Any => pinned(url).map(Checked::Url),
    }
}

/// It is a server of the config that was brought up by hand.
fn is_up(here: &Workspace, url: &Url) -> bool {
    let names = servers::named(here).unwrap_or_default();
    names.iter().any(|(name, _)| {
        let up = servers::place(here, name).ok().and_then(|place| by_hand::status(&place).ok()?);
        up.is_some_and(|up| is_same(&up.base_url, url))
    })
}

/// Whether both are one place; `/v1` at the end is the protocol's matter.
fn is_same(own: &str, asked: &Url) -> bool {
    let place = |url: &Url| {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let host = if is_loopback_name(&host) { "loopback".to_owned() } else { host };
        let path = shortened(url);
        let path = Url::parse(path.trim_end_matches("/v1")).map(|u| u.path().to_owned());
        (url.scheme().to_owned(), host, url.port_or_known_default(), path.ok())
    };
    Url::parse(own).is_ok_and(|own| place(&own) == place(asked))
}

fn is_loopback_name(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// On this machine, at a port that model servers take when none is named.
fn is_usual(url: &Url) -> bool {
    url.scheme() == "http"
        && url.host_str().is_some_and(is_loopback_name)
        && url.port_or_known_default().is_some_and(|port| USUAL_PORTS.contains(&port))
}

fn shortened(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The address with the name's place in it: whoever owns the name cannot lead the run elsewhere
/// once it was looked at. By https the name stays, since only its own server has its certificate.
/// Errors: no address, or one that is refused.
fn pinned(url: &Url) -> Result<String, Text> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let found: Vec<IpAddr> = (bare, port)
        .to_socket_addrs()
        .map_err(|e| named(&bilingual!("{host} has no address: {e}", "{host}의 주소 없음: {e}")))?
        .map(|at| at.ip())
        .collect();
    if let Some(why) = found.iter().find_map(|ip| refused(*ip)) {
        let never = bilingual!(", which is never measured", ": 측정 대상이 될 수 없음");
        return Err(named(&format!("{host}: ").into()).then(&why).then(&never));
    }
    let (mut url, first) = (url.clone(), found.first());
    let written = |url: &mut Url| first.is_some_and(|ip| url.set_ip_host(*ip).is_ok());
    if url.scheme() == "https" || written(&mut url) {
        return Ok(shortened(&url));
    }
    Err(named(&bilingual!("{host} has no address", "{host}의 주소 없음")))
}

/// Where clouds keep what a machine may do, and no model: Alibaba, Azure, Oracle; and by IPv6 Amazon
/// and Google. Others use link-local addresses.
const METADATA: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// Google's, and Oracle's. Amazon has a whole network of them.
const METADATA_6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

/// What an address is that is never measured.
fn refused(ip: IpAddr) -> Option<Text> {
    let nobody = || bilingual!("no single machine", "한 머신의 주소가 아님");
    let link_local = || bilingual!("a link-local address", "링크 로컬 주소");
    let multicast = || bilingual!("a multicast address", "멀티캐스트 주소");
    let metadata = || bilingual!("a cloud's metadata address", "클라우드 메타데이터 주소");
    match ip {
        IpAddr::V4(ip) if ip.octets()[0] == 0 || ip.is_broadcast() => Some(nobody()),
        IpAddr::V4(ip) if ip.is_link_local() => Some(link_local()),
        IpAddr::V4(ip) if ip.is_multicast() => Some(multicast()),
        IpAddr::V4(ip) => METADATA.contains(&ip).then(metadata),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => refused(inner.into()),
            None if ip.is_unspecified() => Some(nobody()),
            None if ip.is_multicast() => Some(multicast()),
            None if matches!(ip.segments()[0], 0xfe80..=0xfeff) => Some(link_local()),
            None if ip.segments()[..2] == [0xfd00, 0xec2] => Some(metadata()),
            None => METADATA_6.contains(&ip).then(metadata),
        },
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 (also a network's
/// own), ISATAP, 6to4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, .., high, low]
        | [.., 0 | 0x200, 0x5efe, high, low]
        | [0x2002, high, low, ..] => four(high, low),
        // `::` and `::1` stand for themselves.
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 || low > 1 => four(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::runs::request::Verb;

    #[test]
    fn what_is_no_machine_of_somebody_is_refused_however_it_is_written() {
        for text in [
            "http://169.254.169.254/latest/meta-data",
            "http://2852039166/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:169.254.169.254]/v1",
            "http://[64:ff9b::a9fe:a9fe]/v1",
            "http://[2002:a9fe:a9fe::1]/v1",
            "http://[64:ff9b:1::a9fe:a9fe]/v1",
            "http://[2001:db8::5efe:a9fe:a9fe]/v1",
            "http://[fd00:ec2::23]/v1",
            "http://[fd00:c1::a9fe:a9fe]/v1",
            "http://[fe80::1]:8000/v1",
            "http://[fd00:ec2::254]/v1",
            "http://100.100.100.200/v1",
            "http://168.63.129.16/v1",
            "http://0.0.0.0:8000/v1",
            "http://[::]:8000/v1",
            "http://224.0.0.1/v1",
            "http://[ff02::1]/v1",
            "http://255.255.255.255/v1",
            "https://169.254.169.254/v1",
        ] {
            let why = pinned(&parsed(text).expect("an address")).expect_err(text);
            assert!(why.en.contains("never measured"), "{text}: {why}");
        }
    }

    #[test]
    fn an_address_says_where_the_server_is_and_no_more() {
        for text in [
            "http://${HOME}:8000/v1",
            "http://127.0.0.1:8000/${API_KEY}",
            "http://user:pass@127.0.0.1/v1",
            "http://@127.0.0.1/v1",
            "http://127.0.0.1/v1?key=1",
            "http://127.0.0.1/v1#x",
            "http://127.0.0.1/\r\nX: y",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "127.0.0.1:8000",
            "http://",
            "",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
        let long = format!("http://127.0.0.1/{}", "a".repeat(LONGEST));
        assert!(parsed(&long).is_err());
    }

    #[test]
    fn a_name_becomes_the_address_that_was_looked_at() {
        let pinned = |text: &str| pinned(&parsed(text).expect("an address")).expect("it may be");
        let local = pinned("http://localhost:8000/v1/");
        assert!(["http://127.0.0.1:8000/v1", "http://[::1]:8000/v1"].contains(&&*local), "{local}");
        assert_eq!(pinned("https://localhost/v1"), "https://localhost/v1");
        assert_eq!(pinned("http://93.184.216.34:80/v1"), "http://93.184.216.34/v1");
    }

    #[test]
    fn one_server_is_the_same_by_all_its_names() {
        let same = |own: &str, asked: &str| is_same(own, &parsed(asked).expect("an address"));
        assert!(same("http://127.0.0.1:8000/v1", "http://localhost:8000"));
        assert!(same("http://LLM.example/v1", "http://llm.example:80/v1/"));
        assert!(!same("http://127.0.0.1:8000/v1", "http://127.0.0.1:8001/v1"));
        assert!(!same("http://a.example/v1", "https://a.example/v1"));
        assert!(!same("http://a.example/x/v1", "http://a.example/v1"));
    }

    #[test]
    fn a_variable_goes_only_where_the_config_sends_it() {
        let here = Workspace::here();
        let mut request = RunRequest::new(Verb::Run);
        request.api_key_env = Some("PATH".into());
        assert!(settle(&here, &mut request, Reach::Any).is_err());
        request.base_url = Some("http://93.184.216.34/v1".into());
        assert!(settle(&here, &mut request, Reach::Any).is_err());
        request.api_key_env = Some(format!("{KEY_PREFIX}A"));
        assert_eq!(settle(&here, &mut request, Reach::Any), Ok(()));
        assert_eq!(request.checked, Some(Checked::Url("http://93.184.216.34/v1".into())));
        assert!(settle(&here, &mut request, Reach::Known).is_err());
    }
}
