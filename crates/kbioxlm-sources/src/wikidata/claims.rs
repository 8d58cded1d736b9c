//! Claims: what kind of thing an entity is, its ids in other vocabularies, and facts.

use super::Wikidata;
use super::entity::{Entity, EntityId, Rank, Snak, Statement, Text};
use super::subset::{Mentions, number};
use super::tables::{
    Direction, EXACT_MATCH, IDENTIFIERS, INSTANCE_OF, MAPPING_TYPE, NO_CONCEPTS, RELATIONS, SUBCLASS_OF, TYPES,
};
use crate::curie::{self, identifies};
use crate::{LinkReason, Reason, Record, Result, Sink};
use kbioxlm_files::json_line_error;
use serde_json::value::RawValue;

/// The claims of an entity.
pub(super) struct Claims<'e> {
    options: &'e Wikidata,
    line: usize,
    entity: &'e Entity<'e>,
    /// Classes of which it is an instance, and a direct subclass.
    instance_of: Vec<u64>,
    subclass_of: Vec<u64>,
}

impl<'e> Claims<'e> {
    pub fn new(options: &'e Wikidata, line: usize, entity: &'e Entity<'e>) -> Result<Self> {
        let mut claims = Self { options, line, entity, instance_of: Vec::new(), subclass_of: Vec::new() };
        claims.instance_of = claims.classes(INSTANCE_OF)?;
        claims.subclass_of = claims.classes(SUBCLASS_OF)?;
        Ok(claims)
    }

    /// Whether it bears one of the properties or is of one of the classes asked for.
    pub fn is_inside(&self, properties: &Mentions, classes: &Mentions) -> Result<bool> {
        if self.instance_of.iter().any(|class| NO_CONCEPTS.contains(class)) {
            return Ok(false);
        }
        if self.all_classes().any(|class| classes.contains(class)) {
            return Ok(true);
        }
        for (property, raw) in &self.entity.claims.0 {
            if number(&property.0, 'P').is_some_and(|n| properties.contains(n)) {
                let statements = self.statements(&property.0, raw)?;
                if statements.iter().any(|s| s.rank != Rank::Deprecated && s.mainsnak.datavalue.is_some()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Gives types, links and facts.
    pub fn tell(&self, concept: &str, sink: &mut dyn Sink) -> Result<()> {
        let mut told = Vec::new();
        for class in self.all_classes() {
            let Ok(at) = TYPES.binary_search_by_key(&class, |(class, _)| *class) else { continue };
            let Some((_, semantic_type)) = TYPES.get(at).filter(|(_, name)| !told.contains(name)) else { continue };
            told.push(semantic_type);
            sink.record(self.line, Record::Type { concept, semantic_type })?;
        }
        for (property, raw) in &self.entity.claims.0 {
            let property = property.0.as_ref();
            let Some(number) = number(property, 'P') else { continue };
            let identifier = IDENTIFIERS.iter().find(|i| u64::from(i.property) == number);
            let relation = RELATIONS.iter().find(|(property, _, _)| u64::from(*property) == number);
            if let Some(identifier) = identifier {
                self.links(concept, identifier.vocabulary, &self.statements(property, raw)?, sink)?;
            } else if let Some((_, relation, direction)) = relation.filter(|_| self.options.facts) {
                if self.options.relations.as_ref().is_none_or(|only| only.iter().any(|r| r == relation)) {
                    self.facts(concept, relation, *direction, &self.statements(property, raw)?, sink)?;
                } else {
                    sink.dropped(self.line, Reason::Relation, relation);
                }
            } else if raw.get().contains("wikibase-entityid") {
                sink.dropped(self.line, Reason::Relation, property);
            }
        }
        Ok(())
    }

    fn links(&self, concept: &str, vocabulary: &str, statements: &[Statement<'_>], sink: &mut dyn Sink) -> Result<()> {
        for statement in statements {
            let Some(value) = self.live(statement, sink) else { continue };
            let local: Text<'_> = self.parse("an id", value)?;
            let Some(other) = curie::of(vocabulary, &local.0) else {
                sink.dropped(self.line, Reason::Vocabulary, &local.0);
                continue;
            };
            let wanted = match &self.options.links {
                Some(only) => only.iter().any(|v| curie::vocabulary_name(v) == vocabulary),
                None => identifies(&other),
            };
            if wanted && self.is_exact(statement)? {
                sink.record(self.line, Record::Link { a: concept, b: &other, reason: LinkReason::Xref })?;
            }
        }
        Ok(())
    }

    fn facts(
        &self,
        concept: &str,
        relation: &str,
        direction: Direction,
        statements: &[Statement<'_>],
        sink: &mut dyn Sink,
    ) -> Result<()> {
        for statement in statements {
            let Some(value) = self.live(statement, sink) else { continue };
            let Some(other) = self.entity_number(value)? else {
                sink.dropped(self.line, Reason::Vocabulary, value.get());
                continue;
            };
            let other = format!("wd:Q{other}");
            let reversed = match direction {
                Direction::AsSaid => false,
                Direction::Reversed => true,
                Direction::Symmetric => other.as_str() < concept,
            };
            let (head, tail) = if reversed { (other.as_str(), concept) } else { (concept, other.as_str()) };
            if head == tail {
                sink.dropped(self.line, Reason::Relation, relation);
                continue;
            }
            sink.record(self.line, Record::Fact { head, relation, tail })?;
        }
        Ok(())
    }

    /// The value of a statement that holds and has one.
    fn live<'s>(&self, statement: &Statement<'s>, sink: &mut dyn Sink) -> Option<&'s RawValue> {
        if statement.rank == Rank::Deprecated {
            sink.dropped(self.line, Reason::Obsolete, &self.entity.id.0);
            return None;
        }
        if statement.mainsnak.datavalue.is_none() {
            sink.dropped(self.line, Reason::Empty, &self.entity.id.0);
        }
        statement.mainsnak.datavalue.as_ref().map(|data| data.value)
    }

    /// Ids that fit only more or less say so in a qualifier.
    fn is_exact(&self, statement: &Statement<'_>) -> Result<bool> {
        let Some((_, raw)) = statement.qualifiers.0.iter().find(|(property, _)| property.0 == MAPPING_TYPE) else {
            return Ok(true);
        };
        let snaks: Vec<Snak<'_>> = self.parse(MAPPING_TYPE, raw)?;
        for data in snaks.iter().filter_map(|snak| snak.datavalue.as_ref()) {
            if self.entity_number(data.value)? != Some(EXACT_MATCH) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn all_classes(&self) -> impl Iterator<Item = u64> {
        self.instance_of.iter().chain(&self.subclass_of).copied()
    }

    /// The values of a property whose values are classes.
    fn classes(&self, property: u32) -> Result<Vec<u64>> {
        let mut classes = Vec::new();
        let of_property = |p: &Text<'_>| number(&p.0, 'P') == Some(u64::from(property));
        for (property, raw) in self.entity.claims.0.iter().filter(|(p, _)| of_property(p)) {
            for statement in self.statements(&property.0, raw)?.iter().filter(|s| s.rank != Rank::Deprecated) {
                if let Some(data) = &statement.mainsnak.datavalue {
                    classes.extend(self.entity_number(data.value)?);
                }
            }
        }
        Ok(classes)
    }

    /// The number of an entity `Q…`; `None` for entities of other kinds.
    fn entity_number(&self, value: &RawValue) -> Result<Option<u64>> {
        let entity: EntityId<'_> = self.parse("an entity", value)?;
        Ok(match entity.id {
            Some(id) => number(&id.0, 'Q'),
            None => entity.number,
        })
    }

    fn statements<'s>(&self, property: &str, raw: &'s RawValue) -> Result<Vec<Statement<'s>>> {
        self.parse(property, raw)
    }

    fn parse<'s, T: serde::Deserialize<'s>>(&self, what: &str, raw: &'s RawValue) -> Result<T> {
        let expected = format!("{what} as Wikibase writes it");
        serde_json::from_str(raw.get()).map_err(|e| json_line_error(&self.options.path, self.line, &e, &expected))
    }
}
