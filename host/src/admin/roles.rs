//! Roles: what the sender of a request may do. Which role a page asks for stands in
//! [`super::page`]; whose token it was, in [`super::tokens`].

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A role without its services, as it is stored and sent.
pub use crate::storage::operations::Role as RoleName;

/// What a token permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Operator,
    /// Reading, and changing what runs of these services.
    Deployer(BTreeSet<String>),
    /// Reading.
    Reader,
    /// Reading `/metrics`.
    Metrics,
}

/// Why a role is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    #[error("there is no role `{0}`; there are operator, deployer, reader and metrics")]
    Unknown(String),
    #[error("a deployer deploys named services; name at least one")]
    NoServices,
    #[error(
        "a token of role {} is not bound to services; name none, or make it a deployer",
        .0.as_str()
    )]
    Services(RoleName),
}

/// Who sent a request that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's name; `operator` for the token of the state directory. The audit log has it.
    pub name: String,
    pub role: Role,
}

/// What a page asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs<'a> {
    Metrics,
    Read,
    /// Changing what runs of one service.
    Deploy(&'a str),
    Operate,
}

/// A caller asked for what its role does not permit. It says nothing of what there is: the names in
/// it are those of the token and of the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has the role {role}; this needs {needs}")]
pub struct Forbidden {
    name: String,
    role: Role,
    needs: String,
}

impl Role {
    /// A role as it is stored and sent; services belong to a deployer alone.
    pub fn of(
        name: RoleName,
        services: impl IntoIterator<Item = String>,
    ) -> Result<Self, RoleError> {
        let services: BTreeSet<String> = services.into_iter().collect();
        let free = |role| match services.is_empty() {
            true => Ok(role),
            false => Err(RoleError::Services(name)),
        };
        match name {
            RoleName::Deployer if services.is_empty() => Err(RoleError::NoServices),
            RoleName::Deployer => Ok(Self::Deployer(services)),
            RoleName::Operator => free(Self::Operator),
            RoleName::Reader => free(Self::Reader),
            RoleName::Metrics => free(Self::Metrics),
        }
    }

    pub fn name(&self) -> RoleName {
        match self {
            Self::Operator => RoleName::Operator,
            Self::Deployer(_) => RoleName::Deployer,
            Self::Reader => RoleName::Reader,
            Self::Metrics => RoleName::Metrics,
        }
    }

    /// The services that it is bound to, in the order of their names.
    pub fn services(&self) -> Vec<String> {
        match self {
            Self::Deployer(services) => services.iter().cloned().collect(),
            Self::Operator | Self::Reader | Self::Metrics => Vec::new(),
        }
    }

    fn permits(&self, needs: Needs<'_>) -> bool {
        match (self, needs) {
            (Self::Operator, _) | (_, Needs::Metrics) => true,
            (Self::Deployer(_) | Self::Reader, Needs::Read) => true,
            (Self::Deployer(services), Needs::Deploy(service)) => services.contains(service),
            (Self::Deployer(_) | Self::Reader | Self::Metrics, Needs::Operate)
            | (Self::Reader | Self::Metrics, Needs::Deploy(_))
            | (Self::Metrics, Needs::Read) => false,
        }
    }
}

impl Caller {
    pub(super) fn check(&self, needs: Needs<'_>) -> Result<(), Forbidden> {
        if self.role.permits(needs) {
            return Ok(());
        }
        Err(Forbidden {
            name: self.name.clone(),
            role: self.role.clone(),
            needs: needs.to_string(),
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name().as_str())?;
        match self {
            Self::Deployer(_) => write!(out, " of {}", self.services().join(", ")),
            Self::Operator | Self::Reader => Ok(()),
            Self::Metrics => write!(out, ", which opens /metrics alone"),
        }
    }
}

impl fmt::Display for Needs<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metrics => write!(out, "metrics"),
            Self::Read => write!(out, "reader"),
            Self::Deploy(service) => write!(out, "operator, or deployer of `{service}`"),
            Self::Operate => write!(out, "operator"),
        }
    }
}

impl FromStr for RoleName {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "operator" => Ok(Self::Operator),
            "deployer" => Ok(Self::Deployer),
            "reader" => Ok(Self::Reader),
            "metrics" => Ok(Self::Metrics),
            _ => Err(RoleError::Unknown(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployer() -> Role {
        Role::of(RoleName::Deployer, ["cart".to_owned()]).unwrap()
    }

    #[test]
    fn each_role_permits_what_the_one_before_does_and_more() {
        let needs = [
            Needs::Metrics,
            Needs::Read,
            Needs::Deploy("cart"),
            Needs::Deploy("shop"),
            Needs::Operate,
        ];
        let permitted = |role: &Role| needs.map(|needs| role.permits(needs));
        assert_eq!(
            permitted(&Role::Metrics),
            [true, false, false, false, false]
        );
        assert_eq!(permitted(&Role::Reader), [true, true, false, false, false]);
        assert_eq!(permitted(&deployer()), [true, true, true, false, false]);
        assert_eq!(permitted(&Role::Operator), [true; 5]);
    }

    #[test]
    fn a_refusal_names_role_and_service() {
        let caller = Caller {
            name: "ci".to_owned(),
            role: deployer(),
        };
        let refused = caller.check(Needs::Deploy("shop")).unwrap_err().to_string();
        assert_eq!(
            refused,
            "`ci` has the role deployer of cart; this needs operator, or deployer of `shop`"
        );
    }

    #[test]
    fn services_belong_to_a_deployer_alone() {
        for name in ["operator", "deployer", "reader", "metrics"] {
            let role: RoleName = name.parse().unwrap();
            assert_eq!(role.as_str(), name);
            let bound = Role::of(role, ["cart".to_owned()]);
            let free = Role::of(role, []);
            assert_eq!(bound.is_ok(), role == RoleName::Deployer, "{name}");
            assert_eq!(free.is_ok(), role != RoleName::Deployer, "{name}");
        }
        "root".parse::<RoleName>().unwrap_err();
    }
}
