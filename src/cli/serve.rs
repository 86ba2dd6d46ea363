//! `serve`: the service. Not here: variables that only the service knows (`command::serve`).

use std::net::SocketAddr;

use clap::Args;

use super::DataArgs;

#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on; one that is not loopback needs `API_KEY` [default: 127.0.0.1:8085, or
    /// the port in PORT]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    #[command(flatten)]
    pub data: DataArgs,
    /// A further name that the service goes by, behind a reverse proxy say (repeatable)
    #[arg(long = "allow-host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// A page of another site that may send requests that change something, e.g.
    /// <https://tools.example> (repeatable)
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// What stands before every path behind a reverse proxy that gives the service a part of a
    /// site, e.g. /gate
    #[arg(long = "base-path", value_name = "PATH", default_value = "", hide_default_value = true)]
    pub base: String,
    /// Make the index of the runs anew from their folders, then serve
    #[arg(long)]
    pub reindex: bool,
    /// Requests may name any server, not only those of the config and of this machine
    #[arg(long)]
    pub allow_any_target: bool,
}
