//! What a resource says of all that it made: whose it is, and which function.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource as Proto;

use crate::ingest::{Error, Room};
use crate::model::{Attributes, check_name};

use super::attributes::attributes;
use super::decode::Context;

/// The attribute that names a tenant; it wins over the request's header.
const TENANT: &str = "faremeter.tenant";

/// How the names of attributes begin that say that something is a function.
const FAAS: &str = "faas.";

/// A resource, read.
pub(super) struct Resource {
    /// Whom it belongs to.
    pub(super) tenant: String,
    pub(super) function: Option<String>,
    /// The function's version.
    pub(super) version: Option<String>,
    /// The execution environment.
    pub(super) instance: Option<String>,
    pub(super) attributes: Attributes,
    /// What its attributes take in each row.
    bytes: u64,
}

impl Resource {
    /// Reads a resource; a reason where its items cannot be taken.
    pub(super) fn read(proto: Option<Proto>, context: &Context) -> Result<Self, String> {
        let attributes = attributes(proto.map(|proto| proto.attributes).unwrap_or_default());
        let text = |name: &str| attributes.get(name).filter(|text| !text.is_empty()).cloned();
        let tenant = text(TENANT);
        if let Some(tenant) = &tenant {
            check_name(tenant, "tenant").map_err(|error| format!("its resource's {TENANT}: {error}"))?;
        }
        Ok(Self {
            tenant: tenant.unwrap_or_else(|| context.tenant.clone()),
            function: text("faas.name").or_else(|| text("service.name").filter(|_| attributes.has_prefix(FAAS))),
            version: text("faas.version"),
            instance: text("faas.instance"),
            bytes: attributes.iter().map(|(key, value)| PAIR_BYTES + key.len() as u64 + value.len() as u64).sum(),
            attributes,
        })
    }

    /// The function that an item of this resource belongs to, which has `attributes` of its own.
    pub(super) fn function_of(&self, attributes: &Attributes) -> Option<String> {
        let service = || self.attributes.get("service.name").filter(|_| attributes.has_prefix(FAAS)).cloned();
        attributes.get("faas.name").cloned().or_else(|| self.function.clone()).or_else(service)
    }
}

/// What a pair of an attribute takes beside its texts, about.
const PAIR_BYTES: u64 = 64;
/// What a row takes beside its texts, about.
const ROW_BYTES: u64 = 640;

/// What the rows of one request may take: each has its resource's attributes, so a body of many small items under a large
/// resource would become more than memory holds.
pub(super) struct Budget<'a> {
    limit: u64,
    left: u64,
    room: &'a mut Room,
}

impl<'a> Budget<'a> {
    /// At most `limit` bytes, for which room is taken too.
    pub(super) fn new(limit: u64, room: &'a mut Room) -> Self {
        Self { limit, left: limit, room }
    }

    /// Takes room for so many rows of a resource and scope, before they are made. `more` is what else each of them has that
    /// the request says once, in bytes.
    pub(super) fn take(
        &mut self,
        rows: usize,
        resource: &Resource,
        scope: &InstrumentationScope,
        more: usize,
    ) -> Result<(), Error> {
        let each = ROW_BYTES + resource.bytes + (scope.name.len() + scope.version.len() + more) as u64;
        let all = each.saturating_mul(rows as u64);
        self.left = self.left.checked_sub(all).ok_or_else(|| {
            Error::TooLarge(format!(
                "the request's rows, each with its resource's attributes, would take more than {} bytes: send fewer at once",
                self.limit
            ))
        })?;
        self.room.hold(all)
    }
}
