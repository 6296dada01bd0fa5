/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual IOMMU as JSON, in plans and in answers. */
#ifndef PT_SHAPE_VIOMMU_H
#define PT_SHAPE_VIOMMU_H

#include <jansson.h>

#include "base/error.h"
#include "model/viommu.h"

/** pt_viommu_json() - {"model": null, …}; attributes that are not there are left out */
json_t *pt_viommu_json(const struct pt_viommu *v);

/** pt_viommu_from_json() - the way back; nothing else may be in it; -EBADMSG */
int pt_viommu_from_json(const json_t *json, struct pt_viommu *ret_viommu, struct pt_error *err);

#endif
