//! GPUs as a scripted stand-in for NVIDIA's library tells of them: every value, every failure,
//! energy against the script's own integral, and what makes a round unfit. Not here: a real GPU
//! (docs/GPU.md says what nobody could test without one).

mod unfit;

use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::gpus::{Driver, EVERYTHING, Gpus, stand_in};

/// An instant of a raw timeline.
fn instant(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap_or_else(|| panic!("no {key} in {line}"))
}

#[test]
fn every_value_is_in_the_record() {
    let gpus = Gpus::with(&[("ecc_corrected", "3 #3=5")]);
    gpus.run(&[]).assert(
        0,
        &["GPU", "61234/81559 MiB at peak", "87 % busy", "power limit 100 %", "energy_per_token"],
    );
    let record = gpus.record();
    let expected = json!({
        "driver": "550.54.15", "cuda": "12.4",
        "devices": [{
            "index": 0, "uuid": "GPU-0000aaaa-0001", "name": "NVIDIA H100 80GB HBM3", "memory_total_bytes": 81559_u64 << 20,
            "persistence": true, "mig": false, "mig_profile": null, "mps": false, "ecc": true, "power_limit_w": 700.0,
            "application_sm_clock_mhz": 1700, "application_memory_clock_mhz": 2600, "max_sm_clock_mhz": 1980, "unsupported": [],
        }],
    });
    assert_eq!(record["gpu"], expected);
    assert_eq!(record["host"]["gpu"], "NVIDIA H100 80GB HBM3, driver 550.54.15, CUDA 12.4");
    let fingerprint = &record["workloads"][0]["fingerprint"];
    assert_eq!(
        (&fingerprint["gpu"], &fingerprint["gpu_driver"]),
        (&"NVIDIA H100 80GB HBM3".into(), &"550".into())
    );
    let device = gpus.device(1);
    let clock = |mhz: f64| json!({"min_mhz": mhz, "median_mhz": mhz, "max_mhz": mhz});
    for (key, value) in [
        ("memory_peak_bytes", json!(61234_u64 << 20)),
        ("memory_mean_bytes", json!(61234_u64 << 20)),
        ("sm_clock", clock(1755.0)),
        ("memory_clock", clock(2619.0)),
        ("energy_source", json!("counter")),
        ("temperature_max_c", json!(61)),
        ("throttle_ratio", json!({"power_cap": 1.0})),
        ("ecc_uncorrected", json!(0)),
        ("ecc_corrected", json!(0)),
        ("pcie_replays", json!(0)),
    ] {
        assert_eq!(device[key], value, "{key}");
    }
    for (key, value) in [("utilisation_mean_ratio", 0.87), ("memory_utilisation_mean_ratio", 0.4)] {
        assert!(
            (device[key].as_f64().expect("a share") - value).abs() < 1e-9,
            "{key}: {}",
            device[key]
        );
    }
    assert!(device["samples"].as_u64().is_some_and(|n| n > 1), "{device}");
    assert_eq!(device["processes"][0]["memory_peak_bytes"], 512_u64 << 20, "{device}");
    assert_eq!(device["processes"][0]["foreign"], false, "it descends from the gate");
    assert_eq!(
        (&device["series"]["temperature_c"][0], &device["series"]["memory_clock_mhz"][0]),
        (&json!(61.0), &json!(2619.0))
    );
    assert_eq!(gpus.device(0)["ecc_corrected"], 2, "counted during the round alone");
    let sampler = &record["workloads"][0]["starts"][0]["rounds"][0]["gpu"]["sampler"];
    assert!(
        sampler["interval_ms"] == 20.0 && sampler["cpu_ms"].as_f64().is_some_and(|ms| ms > 0.0),
        "{sampler}"
    );
    assert_eq!(gpus.findings(0), [], "the power limit is normal under load");
    let report = gpus.servers.bed.json(".goodput-gate/report.json");
    let device = &report["workloads"][0]["gpu"]["devices"][0];
    assert_eq!(
        (&device["memory_peak_mib"], &device["memory_mean_mib"]),
        (&json!(61234.0), &json!(61234.0))
    );
}

/// Watts grow by one each second from 100 at second 0: a line, of which trapezoids are exact
/// whenever a busy machine takes its samples.
#[test]
fn energy_per_token_is_right_to_one_per_cent() {
    for (driver, source) in [(Driver::Whole, "counter"), (Driver::WithoutEnergy, "power")] {
        let gpus = Gpus::new(driver, &[EVERYTHING, EVERYTHING]);
        gpus.run(&["--raw", "raw.jsonl"]).assert(0, &["energy_per_token"]);
        let raw = gpus.servers.bed.read("raw.jsonl");
        let lines: Vec<Value> =
            raw.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        for round in 0..2 {
            let mine: Vec<&Value> = lines.iter().filter(|l| l["round"] == round).collect();
            let begin = mine.iter().map(|l| instant(l, "sent_ns")).min().expect("requests");
            let end = mine.iter().map(|l| instant(l, "end_ns")).max().expect("requests");
            let tokens: u64 = mine.iter().map(|l| instant(l, "output_tokens")).sum();
            let second = |ns: u64| (ns - gpus.origin_ns) as f64 / 1e9;
            let (t0, t1) = (second(begin), second(end));
            let joules = 2.0 * ((t1 - t0) * 100.0 + (t1 * t1 - t0 * t0) / 2.0);
            let stored = &gpus.record()["workloads"][0]["starts"][0]["rounds"][round];
            assert_eq!(stored["gpu"]["devices"][1]["energy_source"], source);
            let measured = stored["metrics"]["energy_per_token_j_per_token"]
                .as_f64()
                .expect("energy per token");
            let truth = joules / tokens as f64;
            assert!(
                (measured / truth - 1.0).abs() < 0.01,
                "{source}, round {round}: {measured} J/token, and it is {truth}"
            );
            let inverse = stored["metrics"]["tokens_per_joule_tokens_per_j"]
                .as_f64()
                .expect("tokens per joule");
            assert!((inverse * measured - 1.0).abs() < 1e-9);
            assert_eq!(stored["metrics"]["gpu_memory_peak_mib"], 2.0 * 61234.0, "of both GPUs");
        }
    }
}

#[test]
fn limits_on_what_the_gpu_does_are_judged_and_never_met_where_it_does_not_tell() {
    let check = |gpus: &Gpus, limit: &str| {
        let set = format!("workloads.chat.limits={{{limit}}}");
        gpus.servers.bed.measure(&[
            "check",
            "--set",
            "gate.starts=2",
            "--set",
            "gate.on_limit_open=fail",
            "--set",
            &set,
        ])
    };
    let gpus = Gpus::with(&[("processes", "-")]);
    check(&gpus, "gpu_memory_peak: {max: 60000 MiB}").assert(
        1,
        &[
            "FAIL",
            "GPU memory peak 61234 MiB (61234 MiB to 61234 MiB), over its limit of 60000 MiB",
        ],
    );
    check(&gpus, "gpu_memory_peak: {max: 70000 MiB}, gpu_utilisation: {min: 80%}")
        .assert(0, &["PASS"]);
    check(&gpus, "energy_per_token: {max: 0.000001 J/token}")
        .assert(1, &["FAIL", "energy per token", "over its limit"]);
    let mute = Gpus::with(&[("processes", "-"), ("memory_mib", "!3")]);
    let said = "GPU memory peak cannot be held against its limit: no GPU data in some round";
    check(&mute, "gpu_memory_peak: {max: 70000 MiB}").assert(3, &["INCOMPLETE", said]);
}

#[test]
fn what_a_gpu_does_not_tell_is_absent_and_never_zero() {
    // Not supported, no permission, and functions that an old driver has not.
    let mute: Vec<(&str, &str)> = EVERYTHING
        .iter()
        .map(|(key, _)| {
            (
                *key,
                if *key == "name" {
                    "Tesla_K80"
                } else if key.contains("clock") {
                    "!4"
                } else {
                    "!3"
                },
            )
        })
        .collect();
    let gpus = Gpus::new(Driver::Old, &[&mute]);
    gpus.run(&[]).assert(
        0,
        &[
            "not available: memory, utilisation, SM clock",
            "unmeasured",
            "energy_per_token",
            "gpu_memory_peak",
        ],
    );
    let device = gpus.device(0);
    for (key, value) in device.as_object().expect("a device") {
        let known = ["index", "uuid", "samples", "series"].contains(&key.as_str());
        assert!(known || value.is_null(), "{key} is {value}");
    }
    assert_eq!(gpus.record()["gpu"]["devices"][0]["power_limit_w"], Value::Null);
    assert!(gpus.findings(0).is_empty());
}

/// Field case 36: memory that CPU and GPU share has no numbers of the GPU's own.
#[test]
fn a_gpu_without_memory_numbers_is_measured_in_all_else() {
    let gpus = Gpus::scripted(Driver::Whole, include_str!("../fixtures/field/gb10-nvml.txt"));
    gpus.run(&[]).assert(0, &["not available: memory"]);
    let device = gpus.device(0);
    for (key, value) in device.as_object().expect("a device") {
        assert!(!key.contains("memory") || value.is_null(), "{key} is {value}");
    }
    assert!(device["power_mean_w"].as_f64().is_some_and(|w| w > 0.0), "{device}");
}

#[test]
fn a_gpu_is_chosen_by_index_uuid_or_what_cuda_shows() {
    let gpus = Gpus::new(Driver::Whole, &[EVERYTHING, EVERYTHING, EVERYTHING]);
    let watched = |args: &[&str]| -> Vec<u64> {
        let ran = gpus.run(&[&["--set", "gate.rounds=1"][..], args].concat());
        ran.assert(0, &[]);
        let record = gpus.record();
        let devices = record["gpu"]["devices"].as_array().expect("devices").clone();
        devices.iter().map(|d| d["index"].as_u64().expect("an index")).collect()
    };
    assert_eq!(watched(&[]), [0, 1, 2]);
    assert_eq!(gpus.record()["workloads"][0]["fingerprint"]["gpu"], "3x NVIDIA H100 80GB HBM3");
    assert_eq!(watched(&["--set", "gpu.devices=[2, GPU-0000aaaa]"]), [2, 0]);
    assert_eq!(watched(&["--set", "server.env.CUDA_VISIBLE_DEVICES=GPU-1"]), [1]);
    let ran = gpus.servers.bed.gate(&["run", "--set", "gpu.devices=[7]"]);
    ran.assert(3, &["gpu.devices: there is no GPU 7", "goodput-gate gpu"]);
    let ran = gpus.servers.bed.gate(&["run", "--set", "gpu.devices=[first]"]);
    ran.assert(2, &["gpu.devices[0]", "neither an index nor a UUID"]);
}

#[test]
fn what_is_off_is_not_watched() {
    let gpus = Gpus::with(&[("throttle", "64")]);
    gpus.run(&["--set", "gate.rounds=1", "--set", "gpu.watch=off"]).assert(0, &[]);
    let record = gpus.record();
    assert_eq!((&record["gpu"], &record["host"]["gpu"]), (&Value::Null, &Value::Null));
    assert_eq!(record["workloads"][0]["fingerprint"]["gpu"], Value::Null);
}

#[test]
fn a_mig_device_is_part_of_what_is_measured() {
    let script = "driver 550.54.15\ncuda 12040\nuuid 0 GPU-0000aaaa-0001\nname 0 NVIDIA_A100\nmig 0 1\nmig_parts 0 7\n\
                  uuid 8 MIG-9999\nname 8 NVIDIA_A100_MIG_3g.40gb\nmemory_mib 8 10000\nmemory_total_mib 8 40000\n";
    let gpus = Gpus::scripted(Driver::Whole, script);
    gpus.run(&["--set", "gpu.devices=[MIG-9999]"]).assert(0, &["10000/40000 MiB"]);
    let record = gpus.record();
    assert_eq!(record["workloads"][0]["fingerprint"]["gpu"], "NVIDIA A100 MIG 3g.40gb");
    assert_eq!(record["gpu"]["devices"][0]["mig_profile"], "3g.40gb");
}

#[test]
fn without_a_driver_it_is_a_fact_and_only_where_it_is_required_a_fault() {
    for (script, why) in [
        ("init 9\n", "NVIDIA driver is not loaded"),
        ("init 4\n", "may not be used by this user"),
        ("init 999\n", "NVML cannot be used"),
    ] {
        let gpus = Gpus::scripted(Driver::Whole, script);
        gpus.run(&["--set", "gate.rounds=1"]).assert(0, &["nothing judged"]);
        assert_eq!(gpus.record()["host"]["gpu"], "no GPU data: no NVML", "{why}");
        assert_eq!(gpus.record()["workloads"][0]["fingerprint"]["gpu"], Value::Null);
        let ran = gpus.servers.bed.gate(&[
            "run",
            "--set",
            "gate.rounds=1",
            "--set",
            "gpu.watch=required",
        ]);
        ran.assert(3, &["note: no GPU data", "gpu.watch is required", why]);
        let ran = gpus.servers.bed.gate(&[
            "check",
            "--set",
            "gate.rounds=1",
            "--set",
            "gpu.watch=required",
        ]);
        ran.assert(3, &["INVALID", "note: no GPU data", "gpu.watch is required", why]);
        for file in ["report.md", "report.json", "junit.xml"] {
            let text = gpus.servers.bed.read(&format!(".goodput-gate/{file}"));
            assert!(text.contains("no GPU data") && text.contains(why), "{file}:\n{text}");
        }
    }
}

#[test]
fn without_the_library_it_is_a_fact_too() {
    let mut gpus = Gpus::with(&[]);
    let empty = gpus.servers.place().display().to_string();
    gpus.servers.bed.set("LD_LIBRARY_PATH", &empty);
    gpus.run(&["--set", "gate.rounds=1"]).assert(0, &["nothing judged"]);
    assert_eq!(gpus.record()["host"]["gpu"], "no GPU data: no NVML");
}

#[test]
fn a_simulated_server_has_no_gpu() {
    let mut bed = Bed::new();
    let script = bed.home().join("script");
    std::fs::write(&script, "uuid 0 GPU-1\nname 0 X\n").expect("it can be written");
    stand_in(&mut bed, Driver::Whole, &script);
    bed.write(
        "goodput-gate.yaml",
        "version: 1\ntarget: {sim: {}}\nworkloads: [{name: a, requests: 2, warmup: 0}]\n",
    );
    bed.measure(&["run", "--set", "gate.rounds=1", "--set", "gate.starts=1"]).assert(0, &[]);
    let record = bed.json(".goodput-gate/record.json");
    assert_eq!((&record["gpu"], &record["host"]["gpu"]), (&Value::Null, &Value::Null));
    assert_eq!(record["workloads"][0]["fingerprint"]["gpu"], Value::Null);
    bed.gate(&["run", "--set", "gpu.watch=required"])
        .assert(2, &["gpu.watch", "simulated server uses no GPU"]);
}

#[test]
fn the_table_and_its_json_show_every_gpu() {
    // What grows would not be the same at the next look.
    let still: Vec<(&str, &str)> =
        EVERYTHING.iter().map(|(k, v)| (*k, if *k == "power" { "412" } else { *v })).collect();
    let gpus = Gpus::new(Driver::Whole, &[&still, &[("name", "Tesla_K80")]]);
    let ran = gpus.servers.bed.gate(&["gpu"]);
    ran.assert(0, &[]);
    insta::assert_snapshot!("gpu_table", ran.stdout);
    let json: Value =
        serde_json::from_str(&gpus.servers.bed.gate(&["gpu", "--json"]).stdout).expect("JSON");
    let (first, second) = (&json["gpus"][0], &json["gpus"][1]);
    assert_eq!(
        (&json["driver"], &first["memory_used_bytes"]),
        (&"550.54.15".into(), &(61234_u64 << 20).into())
    );
    assert_eq!(
        (&first["throttle"], &first["power_limit_w"]),
        (&json!(["power_cap"]), &700.0.into())
    );
    assert_eq!(
        (&second["name"], &second["memory_used_bytes"], &second["processes"]),
        (&"Tesla K80".into(), &Value::Null, &Value::Null)
    );
    gpus.servers
        .bed
        .gate(&["gpu", "--watch", "--every", "0ms"])
        .assert(2, &["--every: must be above 0"]);
    Gpus::scripted(Driver::Whole, "init 9\n")
        .servers
        .bed
        .gate(&["gpu"])
        .assert(3, &["no GPU to show", "driver is not loaded", "hint:"]);
}

#[test]
fn the_doctor_says_what_to_do_and_does_none_of_it() {
    let gpus = Gpus::with(&[
        ("persistence", "0"),
        ("throttle", "64"),
        ("processes", "1:900"),
        ("ecc_uncorrected", "4"),
        ("mig", "1"),
    ]);
    let ran = gpus.servers.bed.gate(&["doctor"]);
    for words in [
        "note  GPU",
        "-i 0 -pm 1",
        "in use by 1 ",
        "slowed down now (thermal slowdown (hardware))",
        "-q -d ECC",
        "(MIG)",
        "-lgc MHZ",
    ] {
        assert!(ran.stdout.contains(words), "{words}:\n{}", ran.stdout);
    }
    let fine = Gpus::with(&[("processes", "-")]).servers.bed.gate(&["doctor"]).stdout;
    assert!(
        fine.contains("ok    GPU")
            && fine.contains("persistence on, MIG off, ECC on, MPS off, power limit 700 W"),
        "{fine}"
    );
    let none = Gpus::scripted(Driver::Whole, "init 9\n").servers.bed.gate(&["doctor"]).stdout;
    assert!(
        none.contains("none is watched: NVML is there, but the NVIDIA driver is not loaded"),
        "{none}"
    );
}
