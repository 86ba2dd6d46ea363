//! What of a target two gates must not use at the same time: the address of a server that runs, the
//! GPUs or processors of one that the gate starts.
#![expect(clippy::disallowed_methods, reason = "rim: resolves names and reads the environment")]

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::config::{Endpoint, Gpu, PORT, Server, Target};
use crate::lock::Claim;
use crate::watch::gpu::Gpus;

/// Which GPUs a program sees, as the vendors' runtimes and container tools have it.
const VISIBLE: [&str; 4] = [
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
];
/// Every address of this machine: a server that listens on one of them mostly listens on all.
const HERE: &str = "this machine";
/// A name server that does not answer does not hold the gate up; the run itself will say so.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(50);

/// `stopped` ends the asking of a name server.
pub fn claims(target: &Target, gpu: &Gpu, stopped: &dyn Fn() -> bool) -> Vec<Claim> {
    match &target.endpoint {
        Endpoint::Http(url) => addresses(url, stopped),
        // Its speed is that of this machine's processors.
        Endpoint::Sim(_) => vec![processors()],
        Endpoint::Started(server) => {
            // A port that is drawn for the start is nobody else's.
            let drawn = server.base_url.contains(&format!("${{{PORT}}}"));
            let fixed = if drawn { Vec::new() } else { addresses(&server.base_url, stopped) };
            fixed.into_iter().chain(devices(server, gpu)).collect()
        }
    }
}

fn processors() -> Claim {
    Claim::new("the processors of", "this machine")
}

/// `localhost`, `127.0.0.1`, `[::1]` and this machine's own addresses are one; another machine is
/// its name and all of its addresses.
fn addresses(url: &str, stopped: &dyn Fn() -> bool) -> Vec<Claim> {
    let Ok(url) = reqwest::Url::parse(url) else { return Vec::new() };
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Vec::new();
    };
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let mut keys: Vec<String> = resolved(&host, port, stopped)
        .into_iter()
        .map(|ip| format!("{}:{port}", place(ip)))
        .collect();
    // A name with other addresses each time is still the same server.
    if !keys.contains(&format!("{HERE}:{port}")) {
        keys.push(format!("{host}:{port}"));
    }
    keys.sort();
    keys.dedup();
    keys.into_iter().map(|key| Claim::new("address", key)).collect()
}

/// On a thread, since a look-up cannot be given up.
fn resolved(host: &str, port: u16, stopped: &dyn Fn() -> bool) -> Vec<IpAddr> {
    let (answer, answered) = channel();
    let asked = (host.to_owned(), port);
    let look_up = move || {
        let all = asked.to_socket_addrs().map(|all| all.map(|a| a.ip()).collect::<Vec<_>>());
        let _ = answer.send(all.unwrap_or_default());
    };
    if std::thread::Builder::new().name("resolver".into()).spawn(look_up).is_err() {
        return Vec::new();
    }
    let mut waited = Duration::ZERO;
    while waited < PATIENCE && !stopped() {
        match answered.recv_timeout(GLANCE) {
            Ok(all) => return all,
            Err(RecvTimeoutError::Timeout) => waited += GLANCE,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Vec::new()
}

/// An address that this machine can bind is its own.
fn place(ip: IpAddr) -> String {
    let ip = ip.to_canonical();
    let own = ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok();
    if own { HERE.to_owned() } else { ip.to_string() }
}

/// The GPUs of a server that the gate starts: by `gpu.devices`, else by what its command line, its
/// environment or ours makes visible. Where nothing is said, all; where there are none, the
/// processors.
fn devices(server: &Server, gpu: &Gpu) -> Vec<Claim> {
    let named = VISIBLE.iter().find_map(|name| visible(&server.start, &server.env, name));
    let all =
        |keys: Vec<String>| keys.into_iter().map(|key| Claim::new("GPU", key)).collect::<Vec<_>>();
    let Ok(gpus) = Gpus::open() else {
        // Without NVML their names are all that is known of them.
        let keys = named.map(|list| {
            list.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
        });
        return keys
            .filter(|keys: &Vec<String>| !keys.is_empty())
            .map_or_else(|| vec![processors()], all);
    };
    let chosen = match (gpu.devices.is_empty(), named) {
        (false, _) => gpus.named(&gpu.devices).unwrap_or_else(|_| gpus.all()),
        (true, Some(list)) if list != "all" => gpus.visible(&list),
        (true, _) => gpus.all(),
    };
    let uuids: Vec<String> = gpus.facts(&chosen).devices.into_iter().map(|d| d.uuid).collect();
    if uuids.is_empty() { vec![processors()] } else { all(uuids) }
}

/// The variable's value for the server: written before its command, set by the config, or
/// inherited.
fn visible(start: &str, env: &BTreeMap<String, String>, name: &str) -> Option<String> {
    let line = start.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let line = line.map(|value| value.trim_matches(['"', '\'']).to_owned());
    line.or_else(|| env.get(name).cloned()).or_else(|| std::env::var(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(url: &str) -> Vec<String> {
        addresses(url, &|| false).into_iter().map(|claim| claim.key).collect()
    }

    #[test]
    fn one_server_is_one_address_however_it_is_spelled() {
        let here = ["this machine:8000"];
        for url in [
            "http://127.0.0.1:8000/v1",
            "http://[::1]:8000",
            "http://LOCALHOST.:8000/x",
            "http://0.0.0.0:8000",
            "http://[::ffff:127.0.0.1]:8000",
        ] {
            assert_eq!(keys(url), here, "{url}");
        }
        assert_eq!(keys("http://localhost"), ["this machine:80"]);
        assert_ne!(keys("http://127.0.0.1:8001"), here);
        assert_eq!(keys("http://192.0.2.7:8000/v1"), ["192.0.2.7:8000"], "another machine's");
        assert_eq!(
            keys("https://no-such-name.invalid/v1"),
            ["no-such-name.invalid:443"],
            "its name will do"
        );
    }

    #[test]
    fn a_commands_own_gpus_are_read_from_its_line() {
        let env = BTreeMap::from([(VISIBLE[0].to_owned(), "7".to_owned())]);
        let seen = |line: &str| visible(line, &env, VISIBLE[0]);
        assert_eq!(seen("A=1 CUDA_VISIBLE_DEVICES='1,2' vllm serve x").as_deref(), Some("1,2"));
        assert_eq!(seen("vllm serve x").as_deref(), Some("7"));
    }
}
