/* SPDX-License-Identifier: Apache-2.0 */
/* What we call of libxml2: base/lazy.h says why it is not linked to.  Not for other rooms. */
#ifndef PT_DOMXML_LAZY_LIBXML2_H
#define PT_DOMXML_LAZY_LIBXML2_H

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <libxml/xmlwriter.h>

#include "base/lazy.h"

#define PT_LIBXML2(each)                                                                                               \
	each(xmlBufferContent) each(xmlBufferCreate) each(xmlBufferFree) each(xmlByteConsumed) each(                   \
		xmlCtxtReadMemory) each(xmlDocGetRootElement) each(xmlFree) each(xmlFreeDoc) each(xmlFreeParserCtxt)   \
		each(xmlFreeTextWriter) each(xmlGetLineNo) each(xmlGetNoNsProp) each(xmlHasNsProp) each(               \
			xmlIsBlankNode) each(xmlNewParserCtxt) each(xmlNewTextWriterMemory) each(xmlNodeGetContent)    \
			each(xmlNodeListGetString) each(xmlNodeSetContent) each(xmlSAX2EndElementNs) each(             \
				xmlSAX2StartElementNs) each(xmlSetNsProp) each(xmlStopParser) each(xmlStrEqual)        \
				each(xmlStrchr) each(xmlTextWriterEndElement) each(xmlTextWriterSetIndent)             \
					each(xmlTextWriterSetIndentString) each(xmlTextWriterSetQuoteChar)             \
						each(xmlTextWriterStartElement) each(xmlTextWriterWriteAttribute)      \
							each(xmlTextWriterWriteCDATA) each(xmlTextWriterWriteComment)  \
								each(xmlTextWriterWriteElement)                        \
									each(xmlTextWriterWritePI)                     \
										each(xmlTextWriterWriteRaw)            \
											each(xmlTextWriterWriteString)

/* @xmlFree is a variable of the library's, so this is where it is */
struct pt_libxml2 {
	PT_LIBXML2(PT_LAZY_MEMBER)
};

/* empty before pt_libxml2_load() */
extern struct pt_libxml2 pt_libxml2;

/** pt_libxml2_load() - must have succeeded before the first call; at once when it has; see pt_lazy_load() */
int pt_libxml2_load(struct pt_error *err);

#ifndef PT_LAZY_PLAIN_NAMES
#undef xmlFree
#define xmlBufferContent	     pt_libxml2.xmlBufferContent
#define xmlBufferCreate		     pt_libxml2.xmlBufferCreate
#define xmlBufferFree		     pt_libxml2.xmlBufferFree
#define xmlByteConsumed		     pt_libxml2.xmlByteConsumed
#define xmlCtxtReadMemory	     pt_libxml2.xmlCtxtReadMemory
#define xmlDocGetRootElement	     pt_libxml2.xmlDocGetRootElement
#define xmlFree			     (*pt_libxml2.xmlFree)
#define xmlFreeDoc		     pt_libxml2.xmlFreeDoc
#define xmlFreeParserCtxt	     pt_libxml2.xmlFreeParserCtxt
#define xmlFreeTextWriter	     pt_libxml2.xmlFreeTextWriter
#define xmlGetLineNo		     pt_libxml2.xmlGetLineNo
#define xmlGetNoNsProp		     pt_libxml2.xmlGetNoNsProp
#define xmlHasNsProp		     pt_libxml2.xmlHasNsProp
#define xmlIsBlankNode		     pt_libxml2.xmlIsBlankNode
#define xmlNewParserCtxt	     pt_libxml2.xmlNewParserCtxt
#define xmlNewTextWriterMemory	     pt_libxml2.xmlNewTextWriterMemory
#define xmlNodeGetContent	     pt_libxml2.xmlNodeGetContent
#define xmlNodeListGetString	     pt_libxml2.xmlNodeListGetString
#define xmlNodeSetContent	     pt_libxml2.xmlNodeSetContent
#define xmlSAX2EndElementNs	     pt_libxml2.xmlSAX2EndElementNs
#define xmlSAX2StartElementNs	     pt_libxml2.xmlSAX2StartElementNs
#define xmlSetNsProp		     pt_libxml2.xmlSetNsProp
#define xmlStopParser		     pt_libxml2.xmlStopParser
#define xmlStrEqual		     pt_libxml2.xmlStrEqual
#define xmlStrchr		     pt_libxml2.xmlStrchr
#define xmlTextWriterEndElement	     pt_libxml2.xmlTextWriterEndElement
#define xmlTextWriterSetIndent	     pt_libxml2.xmlTextWriterSetIndent
#define xmlTextWriterSetIndentString pt_libxml2.xmlTextWriterSetIndentString
#define xmlTextWriterSetQuoteChar    pt_libxml2.xmlTextWriterSetQuoteChar
#define xmlTextWriterStartElement    pt_libxml2.xmlTextWriterStartElement
#define xmlTextWriterWriteAttribute  pt_libxml2.xmlTextWriterWriteAttribute
#define xmlTextWriterWriteCDATA	     pt_libxml2.xmlTextWriterWriteCDATA
#define xmlTextWriterWriteComment    pt_libxml2.xmlTextWriterWriteComment
#define xmlTextWriterWriteElement    pt_libxml2.xmlTextWriterWriteElement
#define xmlTextWriterWritePI	     pt_libxml2.xmlTextWriterWritePI
#define xmlTextWriterWriteRaw	     pt_libxml2.xmlTextWriterWriteRaw
#define xmlTextWriterWriteString     pt_libxml2.xmlTextWriterWriteString
#endif

#endif
